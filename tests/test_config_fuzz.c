/* Random changes of a valid case are read or refused with a sentence; they never crash. */
#include <stdlib.h>
#include "config_fixture.h"

static const char sample[] =
    CASE "/* a comment */ seed = 3; # another\n"
         "points: { interior = { sampler = \"grid\"; count = [ 10, 20 ]; }; heldout = 100; };\n"
         "network: { type = \"mlp\"; hidden = [ 20, 0x10, \"2*8\" ]; normalize = true; };\n"
         "solver = ( { type = \"adam\"; learning_rate = 1e-3; }, { type = \"lbfgs\"; } );\n"
         "output: { grid = [ 3, 4 ]; directory = \"a\\\\b\\x41\" \"c\"; };\n";
static const char *const overrides[] = {"network.hidden=[64, 64]", "solver[1].iterations=\"3*4\"",
                                        "output={ grid = [ 3, 4 ]; }", "problem.constants.mu=1e3/pi"};
static const char *const pieces[] = {"{",
                                     "}",
                                     "(",
                                     ")",
                                     "[",
                                     "]",
                                     "\"",
                                     "=",
                                     ";",
                                     ",",
                                     ":",
                                     "\\",
                                     "/*",
                                     "*/",
                                     "#",
                                     "1e400",
                                     "-",
                                     ".",
                                     "@include \"x\"",
                                     "0x",
                                     "L",
                                     "true",
                                     "\n",
                                     "\x80",
                                     "\t",
                                     "solver",
                                     "99999999999",
                                     "*",
                                     "\x01"};

/* SplitMix64: a fixed sequence, so that a failure can be repeated. */
static uint64_t next_random(uint64_t *state)
{
  uint64_t z = (*state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

/* Deletes, doubles, replaces or inserts a little; text has room for 64 more bytes a change. */
static void mutate(char *text, uint64_t *state)
{
  const size_t length = strlen(text), at = length ? next_random(state) % length : 0;
  size_t span = next_random(state) % 12;
  if (span > length - at) span = length - at;
  switch (next_random(state) % 4) {
  case 0:
    memmove(text + at, text + at + span, length - at - span + 1);
    break;
  case 1:
    memmove(text + at + span, text + at, length - at + 1);
    break;
  case 2:
    if (length) text[at] = (char)(1 + next_random(state) % 255);
    break;
  default: {
    const char *piece = pieces[next_random(state) % (sizeof(pieces) / sizeof(pieces[0]))];
    memmove(text + at + strlen(piece), text + at, length - at + 1);
    memcpy(text + at, piece, strlen(piece));
  }
  }
}

START_TEST(changed_cases_never_crash)
{
  uint64_t state = 1;
  int n_good = 0, n_bad = 0;
  ck_petsc(PetscPushErrorHandler(TestSilentHandler, NULL));
  for (int i = 0; i < 6000; i++) {
    char text[4096], set[4096];
    const char *one = set;
    Config config;
    strcpy(text, sample);
    strcpy(set, overrides[i % 4]);
    for (int k = (int)(next_random(&state) % 4); k > 0; k--) mutate(text, &state);
    for (int k = (int)(next_random(&state) % 3); k > 0; k--) mutate(set, &state);
    const PetscErrorCode code = ConfigLoadText("fuzz.cfg", text, i % 2, &one, &config);
    if (!code) ck_petsc(ConfigDestroy(&config));
    ck_assert_msg(!code || code == PETSC_ERR_USER_INPUT, "change %d: error %d: %s", i, code, TestErrorText());
    if (code) {
      const char *said = TestErrorText();
      ck_assert_msg(!strncmp(said, "fuzz.cfg", 8) || !strncmp(said, "--set ", 6), "change %d: '%s'", i, said);
      ck_assert_ptr_null(config);
    }
    (*(code ? &n_bad : &n_good))++;
  }
  ck_petsc(PetscPopErrorHandler());
  ck_assert_int_gt(n_good, 1000);
  ck_assert_int_gt(n_bad, 1000);
}
END_TEST

TEST_SUITE("config_fuzz", changed_cases_never_crash)
