/* The case reader: text and one override to settings, which are then written in full and read again. */
#include <stdio.h>
#include "fuzz.h"
#include "pinn/config.h"

static void write_again(Config config)
{
  char *text = NULL, said[256];
  size_t size;
  Config again;
  FILE *stream = open_memstream(&text, &size);
  if (!stream) abort();
  FuzzMust(ConfigWrite(config, stream));
  fclose(stream);
  if (!FuzzPassed(ConfigLoadText("written.cfg", text, 0, NULL, &again))) {
    fprintf(stderr, "a case that was written is refused:\n%s\n", text);
    abort();
  }
  FuzzMust(ConfigCompare(config, again, "", NULL, said, sizeof(said)));
  FuzzMust(ConfigDestroy(&again));
  free(text);
}

/* The first line, where it begins with '!', is an override. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  char *text = FuzzText(data, size), *begin = text;
  const char *override = NULL;
  Config config;
  if (*text == '!') {
    override = text + 1;
    begin = text + strcspn(text, "\n");
    if (*begin) *begin++ = 0;
  }
  if (FuzzPassed(ConfigLoadText("fuzz.cfg", begin, override != NULL, &override, &config))) {
    write_again(config);
    FuzzMust(ConfigDestroy(&config));
  }
  free(text);
  FuzzNothingLeft();
  return 0;
}
