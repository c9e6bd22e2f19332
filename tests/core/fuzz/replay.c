// SPDX-License-Identifier: GPL-2.0-only
/*
 * A main() for a fuzz target without a fuzzer: runs every file of the directory named
 * on the command line once. With this, the kept inputs are a test in any build.
 */
#include <dirent.h>
#include <limits.h>

#include "redoubt_port.h"

#define INPUT_MAX 65536

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static bool replay(const char *path)
{
	static u8 data[INPUT_MAX];
	FILE *f = fopen(path, "rb");
	size_t size;

	if (!f) {
		perror(path);
		return false;
	}
	size = fread(data, 1, sizeof(data), f);
	fclose(f);
	LLVMFuzzerTestOneInput(data, size);
	return true;
}

int main(int argc, char **argv)
{
	char path[PATH_MAX];
	struct dirent *entry;
	u32 inputs = 0;
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;

	if (!dir) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
		if (!replay(path))
			return 1;
		inputs++;
	}
	closedir(dir);
	printf("%s: %u inputs of the corpus\n", inputs ? "ok" : "FAILED", inputs);
	return !inputs;
}
