#include <stdlib.h>
#include "config_fixture.h"

#define LOAD(text) LoadWith(text, 0, NULL)
#define LOAD_SET(text, ...)                                                                                            \
  LoadWith(text, (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)), (const char *[]){__VA_ARGS__})

START_TEST(values_are_read_as_written)
{
  Config c = LOAD(CASE "seed = 7;\n"
                       "network: { hidden = [ 20, 30 ]; normalize = FALSE; activation = \"sin\"; };\n"
                       "output: { directory = \"a\" \"b\\n\"; keep = 0x1f; grid = 1e2; };");
  const PetscInt *hidden, *grid;
  const char *const *names;
  bool normalize;
  int n;
  ck_assert_int_eq(IntOf(c, "seed"), 7);
  ck_petsc(ConfigGetInts(c, "network.hidden", &n, &hidden));
  ck_assert_int_eq(n, 2);
  ck_assert(hidden[0] == 20 && hidden[1] == 30);
  ck_petsc(ConfigGetInts(c, "output.grid", &n, &grid));
  ck_assert(n == 1 && grid[0] == 100);
  ck_petsc(ConfigGetBool(c, "network.normalize", &normalize));
  ck_assert(!normalize);
  ck_assert_str_eq(StringOf(c, "network.activation"), "sin");
  ck_assert_str_eq(StringOf(c, "output.directory"), "ab\n");
  ck_assert_int_eq(IntOf(c, "output.keep"), 31);
  ck_petsc(ConfigGetStrings(c, "problem.coordinates", &n, &names));
  ck_assert_int_eq(n, 2);
  ck_assert_str_eq(names[1], "t");
  ck_assert_str_eq(ConfigFile(c), "a.cfg");
  ck_assert_ptr_nonnull(strstr(ConfigText(c), "seed = 7;"));
  ck_petsc(ConfigDestroy(&c));
  ck_assert_ptr_null(c);
}
END_TEST

START_TEST(defaults_fill_what_is_absent)
{
  Config c = LOAD(CASE);
  const PetscInt *hidden;
  const PetscReal *lower;
  int n;
  ck_assert_int_eq(IntOf(c, "seed"), 1);
  ck_assert_str_eq(StringOf(c, "domain.type"), "box");
  ck_petsc(ConfigGetReals(c, "domain.lower", &n, &lower));
  ck_assert(n == 1 && lower[0] == 0.0);
  ck_petsc(ConfigGetInts(c, "network.hidden", &n, &hidden));
  ck_assert(n == 2 && hidden[0] == 32 && hidden[1] == 32);
  ck_assert_int_eq(ConfigCount(c, "solver"), 2);
  ck_assert_str_eq(StringOf(c, "solver[0].type"), "adam");
  ck_assert_int_eq(IntOf(c, "solver[0].iterations"), 2000);
  ck_assert_int_eq(IntOf(c, "solver[1].iterations"), 1000);
  ck_assert(RealOf(c, "solver[0].learning_rate") == 1e-3);
  ck_assert(RealOf(c, "problem.equations[0].weight") == 1.0);
  ck_petsc(ConfigDestroy(&c));
}
END_TEST

START_TEST(absent_settings_are_known_as_absent)
{
  Config c = LOAD(CASE);
  const PetscInt *grid;
  int n;
  ck_assert(ConfigHas(c, "problem.constants.nu") && ConfigHas(c, "solver[1]") && ConfigHas(c, "solver[1].geodesic"));
  ck_assert(ConfigHas(c, "output.every") && ConfigHas(c, "network"));
  const char *const absent[] = {"problem.constants.mu",
                                "problem.exact",
                                "problem.exact.u",
                                "verify.tolerance",
                                "solver[2]",
                                "solver[-1]",
                                "problem.conditions",
                                "problem.conditions[0].on",
                                "solver[1].learning_rate",
                                "network.features",
                                "no.such.path",
                                "",
                                "solver[0",
                                "seed[0]"};
  for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
    ck_assert_msg(!ConfigHas(c, absent[i]), "'%s' should be absent", absent[i]);
  ck_petsc(ConfigGetInts(c, "output.grid", &n, &grid));
  ck_assert(n == 0 && !grid);
  ck_assert_ptr_null(StringOf(c, "verify.reference"));
  ck_assert_int_eq(ConfigCount(c, "problem.conditions"), 0);
  ck_assert_int_eq(ConfigCount(c, "problem.constants"), 2);
  ck_assert_str_eq(ConfigMember(c, "problem.constants", 1), "two_nu");
  ck_assert_ptr_null(ConfigMember(c, "problem.constants", 2));
  ck_petsc(ConfigDestroy(&c));
}
END_TEST

START_TEST(asking_wrongly_is_a_bug)
{
  Config c = LOAD(CASE);
  PetscReal value;
  PetscInt whole;
  ck_petsc_fails(ConfigGetReal(c, "network.hiden", &value), PETSC_ERR_PLIB, "no 'network.hiden'");
  ck_petsc_fails(ConfigGetInt(c, "verify.tolerance", &whole), PETSC_ERR_PLIB, "is number");
  ck_petsc_fails(ConfigGetReal(c, "verify.tolerance", &value), PETSC_ERR_PLIB, "absent");
  ck_petsc_fails(ConfigGetReal(c, "solver[9].tolerance", &value), PETSC_ERR_PLIB, "absent");
  ck_petsc(ConfigDestroy(&c));
}
END_TEST

START_TEST(numbers_may_be_formulas_of_constants)
{
  Config c = LOAD(CASE "network: { type = \"random-features\"; scale = [ 2, 2.5, \"pi/2\", \"100*nu\" ]; };\n"
                       "solver = ( { type = \"adam\"; iterations = \"2*50\"; tolerance = \"two_nu\"; } );");
  const PetscReal *scale;
  int n;
  const double pi = acos(-1.0);
  ck_near(RealOf(c, "problem.constants.two_nu"), 0.02 / pi, 1e-15, 0);
  ck_near(RealOf(c, "solver[0].tolerance"), 0.02 / pi, 1e-15, 0);
  ck_assert_int_eq(IntOf(c, "solver[0].iterations"), 100);
  ck_petsc(ConfigGetReals(c, "network.scale", &n, &scale));
  ck_assert_int_eq(n, 4);
  ck_assert(scale[0] == 2.0 && scale[1] == 2.5);
  ck_near(scale[2], pi / 2, 1e-15, 0);
  ck_near(scale[3], 1 / pi, 1e-15, 0);
  ck_petsc(ConfigDestroy(&c));
}
END_TEST

START_TEST(wide_integers_keep_their_value)
{
  Config c = LOAD(PROBLEM "domain: { lower = -4000000000; upper = [ 5000000000, 7L, 99999999999999999999 ]; };\n"
                          "seed = 2147483647;");
  const PetscReal *x;
  int n;
  ck_petsc(ConfigGetReals(c, "domain.lower", &n, &x));
  ck_assert(x[0] == -4e9);
  ck_petsc(ConfigGetReals(c, "domain.upper", &n, &x));
  ck_assert(n == 3 && x[0] == 5e9 && x[1] == 7 && x[2] == 1e20);
  ck_assert_int_eq(IntOf(c, "seed"), 2147483647);
  ck_petsc(ConfigDestroy(&c));
}
END_TEST

START_TEST(comments_marks_and_line_ends_do_no_harm)
{
  Config c = LOAD("\xef\xbb\xbf# caf\xc3\xa9 \" ( {\r\n// [\n/* two\n lines \" */" PROBLEM
                  "domain: { type = \"box\"; }\r\nseed/**/=/**/3/* */, points = { heldout = 5; }\n#");
  ck_assert_int_eq(IntOf(c, "seed"), 3);
  ck_assert_int_eq(IntOf(c, "points.heldout"), 5);
  ck_assert_str_eq(ConfigWhere(c, "problem.fields"), "a.cfg:6: problem.fields");
  ck_assert_str_eq(ConfigWhere(c, "seed"), "a.cfg:11: seed");
  ck_petsc(ConfigDestroy(&c));
}
END_TEST

START_TEST(where_names_the_origin)
{
  Config c = LOAD_SET(CASE "solver = ( { type = \"adam\"; },\n { type = \"lbfgs\"; } );", "network.hidden=[64]",
                      "verify={ tolerance = 1.0; }");
  const char *first = ConfigWhere(c, "solver[1].type");
  ck_assert_str_eq(ConfigWhere(c, "problem.constants.nu"), "a.cfg:4: problem.constants.nu");
  ck_assert_str_eq(ConfigWhere(c, "network.hidden"), "--set network.hidden");
  ck_assert_str_eq(ConfigWhere(c, "verify.tolerance"), "--set verify.tolerance");
  ck_assert_str_eq(ConfigWhere(c, "network.activation"), "a.cfg: network.activation");
  ck_assert_str_eq(ConfigWhere(c, "output.grid"), "a.cfg: output.grid");
  ck_assert_str_eq(first, "a.cfg:9: solver[1].type");
  ck_petsc(ConfigDestroy(&c));
}
END_TEST

START_TEST(overrides_change_and_create)
{
  Config c = LOAD_SET(CASE, "network.hidden=[64, 65]", "problem.constants.nu=0.5", "problem.constants.mu=nu/4",
                      "solver[1].iterations = 10", "output.directory=2024-run", "verify.reference=12",
                      "network.normalize=false", "domain.upper=[1,2.5,\"pi\"]", "problem.exact.u=\"sin(x)\"",
                      "problem.equations[0].residual=u_t = 0", "limits.wall_time=3", "limits.wall_time=4");
  const PetscInt *hidden;
  const PetscReal *upper;
  bool normalize;
  int n;
  ck_petsc(ConfigGetInts(c, "network.hidden", &n, &hidden));
  ck_assert(n == 2 && hidden[1] == 65);
  ck_assert(RealOf(c, "problem.constants.nu") == 0.5 && RealOf(c, "problem.constants.two_nu") == 1.0);
  ck_assert(RealOf(c, "problem.constants.mu") == 0.125);
  ck_assert_int_eq(IntOf(c, "solver[1].iterations"), 10);
  ck_assert_int_eq(IntOf(c, "solver[0].iterations"), 2000);
  ck_assert_str_eq(StringOf(c, "output.directory"), "2024-run");
  ck_assert_str_eq(StringOf(c, "verify.reference"), "12");
  ck_petsc(ConfigGetBool(c, "network.normalize", &normalize));
  ck_assert(!normalize);
  ck_petsc(ConfigGetReals(c, "domain.upper", &n, &upper));
  ck_assert(n == 3 && upper[1] == 2.5);
  ck_assert_str_eq(StringOf(c, "problem.exact.u"), "sin(x)");
  ck_assert_str_eq(StringOf(c, "problem.equations[0].residual"), "u_t = 0");
  ck_assert(RealOf(c, "limits.wall_time") == 4.0);
  ck_petsc(ConfigDestroy(&c));
}
END_TEST

static char *written(Config config)
{
  char *text = NULL;
  size_t size;
  FILE *stream = open_memstream(&text, &size);
  ck_petsc(ConfigWrite(config, stream));
  fclose(stream);
  return text;
}

START_TEST(resolved_case_says_the_same)
{
  const char *numbers[] = {"0.1", "5e-324", "1.7976931348623157e308", "0.30000000000000004", "-0.0", "123456789012"};
  const int n_number = (int)(sizeof(numbers) / sizeof(numbers[0]));
  char override[6][64];
  const char *overrides[] = {override[0],
                             override[1],
                             override[2],
                             override[3],
                             override[4],
                             override[5],
                             "output.directory=a \"b\" \\ c\t\x01z",
                             "problem.conditions=( )"};
  for (int i = 0; i < n_number; i++) snprintf(override[i], 64, "problem.constants.c%d=%s", i, numbers[i]);
  Config c = LoadWith(CASE, 8, overrides);
  char *text = written(c);
  Config again = LOAD(text);
  char *text_again = written(again);
  ck_assert_str_eq(text, text_again);
  for (int i = 0; i < n_number; i++) {
    const double a = RealOf(again, ConfigPath("problem.constants.c%d", i)), b = strtod(numbers[i], NULL);
    ck_assert_msg(!memcmp(&a, &b, sizeof(a)), "%s came back as %.17g", numbers[i], a);
  }
  ck_near(RealOf(again, "problem.constants.two_nu"), RealOf(c, "problem.constants.two_nu"), 0, 0);
  ck_assert_str_eq(StringOf(again, "output.directory"), "a \"b\" \\ c\t\x01z");
  ck_assert_int_eq(ConfigCount(again, "solver"), 2);
  ck_assert(!ConfigHas(again, "verify.tolerance"));
  free(text);
  free(text_again);
  ck_petsc(ConfigDestroy(&c));
  ck_petsc(ConfigDestroy(&again));
}
END_TEST

START_TEST(two_cases_differ_where_they_resolve_differently)
{
  static const struct {
    const char *text, *path, *except, *difference;
  } cases[] = {
      {CASE "seed = 1;", "seed", NULL, ""},
      {CASE "seed = 2;", "seed", NULL, "seed is 1 there and 2 here"},
      {CASE "seed = 2;", "problem", NULL, ""},
      {CASE "network: { hidden = [ 32, 32 ]; };", "network", NULL, ""},
      {CASE "network: { hidden = [ 32 ]; activation = \"sin\"; };", "network", "hidden",
       "network.activation is \"tanh\" there and \"sin\" here"},
      {CASE "network: { type = \"random-features\"; };", "network", "type features scale law scale_search",
       "network.hidden is [ 32, 32 ] there and absent here"},
      {PROBLEM "domain: { upper = \"2 - 1\"; };", "domain", NULL, ""},
      {PROBLEM "domain: { upper = [ 1.0, 1.0000000000000002 ]; };", "domain", NULL,
       "domain.upper is 1.0 there and [ 1.0, 1.0000000000000002 ] here"},
      {CASE "solver = ( { type = \"adam\"; iterations = 3; } );", "solver[0]", "iterations tolerance", ""},
      {CASE "solver = ( { type = \"adam\"; iterations = 3; } );", "solver[0]", "tolerance",
       "solver[0].iterations is 2000 there and 3 here"},
      {CASE "solver = ( { type = \"adam\"; } );", "solver[1]", NULL, "solver[1] is given there and absent here"},
      {CASE "solver = ( { type = \"adam\"; } );", "solver", "iterations", "solver[1] is given there and absent here"},
      {CASE "output: { grid = 7; };", "output.grid", NULL, "output.grid is absent there and 7 here"},
  };
  char text[512];
  Config there = LOAD(CASE);
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    Config here = LOAD(cases[i].text);
    ck_petsc(ConfigCompare(here, there, cases[i].path, cases[i].except, text, sizeof(text)));
    ck_assert_str_eq(text, cases[i].difference);
    ck_petsc(ConfigDestroy(&here));
  }
  Config here = LOAD_SET(CASE, "problem.constants.c=1"), moved = LOAD_SET(CASE, "problem.constants.nu=0.5");
  ck_petsc(ConfigCompare(here, there, "problem", NULL, text, sizeof(text)));
  ck_assert_str_eq(text, "problem.constants.c is absent there and 1.0 here");
  ck_petsc(ConfigCompare(there, here, "problem", NULL, text, sizeof(text)));
  ck_assert_str_eq(text, "problem.constants.c is 1.0 there and absent here");
  ck_petsc(ConfigCompare(moved, there, "problem", "two_nu", text, sizeof(text)));
  ck_assert_str_eq(text, "problem.constants.nu is 0.0031830988618379071 there and 0.5 here");
  ck_petsc(ConfigDestroy(&moved));
  ck_petsc(ConfigDestroy(&here));
  ck_petsc(ConfigDestroy(&there));
}
END_TEST

START_TEST(free_names_are_compared_in_any_order)
{
  char text[512];
  Config here = LOAD_SET(CASE, "problem.constants.a=1", "problem.constants.b=2");
  Config there = LOAD_SET(CASE, "problem.constants.b=2", "problem.constants.a=1");
  ck_petsc(ConfigCompare(here, there, "problem", NULL, text, sizeof(text)));
  ck_assert_str_eq(text, "");
  ck_petsc(ConfigDestroy(&here));
  ck_petsc(ConfigDestroy(&there));
}
END_TEST

START_TEST(a_full_device_is_reported)
{
  Config c = LOAD(CASE);
  FILE *full = fopen("/dev/full", "w");
  ck_assert_ptr_nonnull(full);
  ck_petsc_fails(ConfigWrite(c, full), PETSC_ERR_FILE_OPEN, "cannot write the resolved case");
  fclose(full);
  ck_petsc(ConfigDestroy(&c));
}
END_TEST

START_TEST(table_of_keys_is_sound)
{
  for (const ConfigKey *key = ConfigKeys; key->path; key++) {
    ck_assert_msg(key->help && strlen(key->help) > 3, "%s has no help", key->path);
    ck_assert_msg(strlen(ConfigTypeName(key->type)) > 0, "%s has no type", key->path);
    ck_assert_msg((key->type == CONFIG_WORD) == (key->choices != NULL), "%s: choices are for words", key->path);
    for (const ConfigKey *other = ConfigKeys; other < key; other++)
      ck_assert_msg(strcmp(other->path, key->path) || (key->only && other->only && key->type == other->type),
                    "%s has two rows for the same types", key->path);
  }
}
END_TEST

START_TEST(ranges_have_words)
{
  static const struct {
    double min, max;
    const char *text;
  } ranges[] = {{-INFINITY, INFINITY, ""},      {2.2250738585072014e-308, INFINITY, "positive"},
                {0, INFINITY, "not negative"},  {0, 2147483647, "from 0 to 2147483647"},
                {1, INFINITY, "at least 1"},    {2, 1048576, "from 2 to 1048576"},
                {-INFINITY, 0.5, "at most 0.5"}};
  char text[64];
  for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
    ConfigKeyRange(&(ConfigKey){"a", CONFIG_REAL, "", ranges[i].min, ranges[i].max, NULL, NULL, ""}, text,
                   sizeof(text));
    ck_assert_str_eq(text, ranges[i].text);
  }
}
END_TEST

START_TEST(paths_stay_valid_in_turn)
{
  const char *first = ConfigPath("solver[%d].%s", 3, "type");
  for (int i = 0; i < 7; i++) ConfigPath("%d", i);
  ck_assert_str_eq(first, "solver[3].type");
}
END_TEST

TEST_SUITE("config", values_are_read_as_written, defaults_fill_what_is_absent, absent_settings_are_known_as_absent,
           asking_wrongly_is_a_bug, numbers_may_be_formulas_of_constants, wide_integers_keep_their_value,
           comments_marks_and_line_ends_do_no_harm, where_names_the_origin, overrides_change_and_create,
           resolved_case_says_the_same, two_cases_differ_where_they_resolve_differently,
           free_names_are_compared_in_any_order, a_full_device_is_reported, table_of_keys_is_sound, ranges_have_words,
           paths_stay_valid_in_turn)
