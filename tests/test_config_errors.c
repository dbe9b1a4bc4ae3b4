/* Every mistake in a case file gets one sentence that says where, what was read and what is allowed. */
#include <stdlib.h>
#include "config_fixture.h"

static void fails(const char *text, const char *set, const char *sentence)
{
  Config config;
  const char *const overrides[] = {set};
  ck_petsc_fails(ConfigLoadText("a.cfg", text, set ? 1 : 0, overrides, &config), PETSC_ERR_USER_INPUT, sentence);
  ck_assert_ptr_null(config);
}

/* The lines that follow PROBLEM begin with line 7. */
#define FAILS(lines, sentence)   fails(PROBLEM lines, NULL, sentence)
#define FAILS_SET(set, sentence) fails(CASE, set, sentence)

START_TEST(unknown_keys)
{
  FAILS("domain: { };\nnetwork: {\n hiden = [ 3 ]; };",
        "a.cfg:9: unknown key 'hiden' in network (did you mean 'hidden'? known: type, activation, hidden, ");
  FAILS("domian: { };",
        "a.cfg:7: unknown key 'domian' (did you mean 'domain'? known: seed, precision, products, problem, ");
  FAILS("domain: { }; solver = ( { type = \"adam\"; },\n { type = \"adam\"; learning-rate = 1.0; } );",
        "a.cfg:8: unknown key 'learning-rate' in solver[] (did you mean 'learning_rate'?");
  FAILS("domain: { }; network: { bogus = 1; };", "a.cfg:7: unknown key 'bogus' in network (known: type,");
}
END_TEST

START_TEST(missing_keys)
{
  fails("", NULL, "a.cfg: the required group 'problem' is missing");
  fails("seed = 1;", NULL, "a.cfg: the required group 'problem' is missing");
  FAILS("", "a.cfg: the required group 'domain' is missing");
  fails("domain: { };\nproblem: { fields = \"u\"; };", NULL,
        "a.cfg:2: problem: the required key 'coordinates' is missing");
  FAILS("domain: { };\nsolver = (\n { iterations = 3; } );", "a.cfg:9: solver[0]: the required key 'type' is missing");
}
END_TEST

START_TEST(misplaced_keys)
{
  FAILS("domain: { };\nsolver = ( { type = \"gauss-newton\";\n learning_rate = 1e-3; } );",
        "a.cfg:9: 'learning_rate' does not belong to solver type 'gauss-newton' (known: type, iterations, tolerance, ");
  FAILS("domain: { radius = 1.0; };",
        "a.cfg:7: 'radius' does not belong to domain type 'box' (known: type, time, lower, ");
  FAILS_SET("network.features=5", "--set network.features: 'features' does not belong to network type 'mlp'");
}
END_TEST

START_TEST(wrong_words)
{
  FAILS("domain: { };\nnetwork: { activation = \"tahn\"; };",
        "a.cfg:8: network.activation: unknown activation 'tahn' (did you mean 'tanh'? known: ");
  FAILS("domain: { }; solver = ( { type = \"adma\"; learning_rate = 1.0; } );", "a.cfg:7: solver[0].type: unknown ");
  FAILS("domain: { }; solver = ( { type = \"adma\"; learning_rate = 1.0; } );", "'adma' (did you mean 'adam'? known: ");
  FAILS("domain: { }; solver = ( { type = \"gauss-newton\"; method = \"qrr\"; } );",
        "a.cfg:7: solver[0].method: unknown method 'qrr' (did you mean 'qr'? known: auto, qr, svd, normal, kernel)");
  FAILS("domain: { type = 3; };", "a.cfg:7: domain.type: a value that is word is wanted, not 3");
}
END_TEST

START_TEST(wrong_types)
{
  FAILS("domain: 3;", "a.cfg:7: domain: a group { ... } is wanted");
  FAILS("domain: { lower = { a = 1; }; };",
        "a.cfg:7: domain.lower: a value that is number or array of them is wanted, not a group");
  FAILS("domain: { lower = [ 1.0, true ]; };", "a.cfg:7: domain.lower[1]: a value that is number");
  FAILS("domain: { lower = [ [ 1 ] ]; };", "a.cfg:7: domain.lower[0]: a value that is number");
  FAILS("domain: { }; points: { heldout = [ 1, 2 ]; };",
        "points.heldout: a value that is whole number is wanted, not an array");
  FAILS("domain: { }; points: { heldout = 2.5; };", "points.heldout: a whole number is wanted, not 2.5");
  FAILS("domain: { }; network: { normalize = 1; };", "normalize: a value that is true or false is wanted, not 1");
  FAILS("domain: { }; output: { directory = 3; };", "output.directory: a value that is text is wanted, not 3");
  FAILS("domain: { }; solver = { type = \"adam\"; };", "solver: a list of groups ( { ... }, { ... } ) is wanted");
  FAILS("domain: { }; solver = ( 3 );", "a.cfg:7: solver[0]: a group { ... } is wanted");
  FAILS("domain: { }; network: { hidden = \"3*q\"; };", "a.cfg:7: network.hidden: column ");
}
END_TEST

START_TEST(values_out_of_range)
{
  FAILS("domain: { }; points: { heldout = 0; };", "points.heldout: 0 is out of range: it must be from 1 to 2147483647");
  FAILS("domain: { }; points: { heldout = -5; };",
        "points.heldout: -5 is out of range: it must be from 1 to 2147483647");
  FAILS("domain: { }; points: { heldout = 4000000000; };",
        "heldout: 4000000000 is out of range: it must be from 1 to 2147483647");
  FAILS("domain: { }; network: { hidden = [ 3, 2000000 ]; };",
        "network.hidden[1]: 2000000 is out of range: it must be from 1 to 1048576");
  FAILS("domain: { }; limits: { memory = 0.0; };", "limits.memory: 0 is out of range: it must be positive");
  FAILS("domain: { lower = 1e400; };", "domain.lower: inf is no finite number");
  FAILS("domain: { }; network: { hidden = [ ]; };", "network.hidden: the array is empty: at least one value is wanted");
  FAILS("domain: { }; solver = ( );", "solver: the list is empty");
  FAILS_SET("points.heldout=-1", "--set points.heldout: -1 is out of range");
  FAILS_SET("domain.lower=1e999", "--set domain.lower: inf is no finite number");
}
END_TEST

START_TEST(bad_names)
{
  FAILS("domain: { };\n_a = 1;", "a.cfg:8: '_' is out of place");
  fails("domain: { };\nproblem: { coordinates = \"x\"; fields = \"u\"; equations = ( { residual = \"u\"; } );\n"
        " constants: { a-b = 1; }; };",
        NULL, "a.cfg:3: 'a-b' is no name: letters, digits and _ make one");
  FAILS("a123456789a123456789a123456789a123456789a123456789a123456789a123456789 = 1;",
        "a.cfg:7: the name 'a123456789a123456789...' is longer than 64 characters");
}
END_TEST

START_TEST(syntax)
{
  FAILS("domain: { };\nnetwork: { type = mlp; };", "a.cfg:8: text stands in quotes: \"mlp\"");
  FAILS("domain: { lower = [ a ]; };", "a.cfg:7: text stands in quotes: \"a\"");
  FAILS("domain: { upper = 2*pi; };", "a.cfg:7: '*' is out of place (formulas stand in quotes: \"2*pi\")");
  FAILS("domain: { upper = -pi; };", "a.cfg:7: '-' is out of place (formulas stand in quotes: \"2*pi\")");
  FAILS("domain: { upper = . ; };", "a.cfg:7: '.' is out of place");
  FAILS("domain: { upper = 1.5.3; };", "a.cfg:7: '1.5.3' is no number");
  FAILS("domain: { upper = 1e; };", "a.cfg:7: '1e' is no number");
  FAILS("domain: { upper = 12abc };", "a.cfg:7: '12abc' is no number");
  FAILS("domain: { upper = 0xFFFFFFFF; };", "a.cfg:7: '0xFFFFFFFF' is no number below 2^31");
  FAILS("domain: { upper = 0x; };", "a.cfg:7: '0x' is no number below 2^31");
  FAILS("domain: {\n upper = [ 1, 2 );\n};", "a.cfg:8: syntax error: ')' where ']' must close what line 8 opens");
  FAILS("domain: {\n upper = 1;\n", "a.cfg:9: syntax error: the end is reached where '}' must close what line 7 opens");
  FAILS("domain: { };\n};", "a.cfg:8: syntax error: '}' closes nothing");
  FAILS("domain: { };\nseed 3;\n", "a.cfg:8: syntax error in or before 'seed 3;'");
  FAILS("domain: { }; seed =", "a.cfg:7: syntax error in or before 'domain: { }; seed ='");
  FAILS("domain: { };\nseed = 1;\nseed = 2;", "a.cfg:9: duplicate setting name in or before 'seed = 2;'");
  FAILS("domain: { };\n@include \"b.cfg\"\n", "a.cfg:8: @include is not supported: a case is one file");
  FAILS("domain: { type = \"box; };\n", "a.cfg:7: a quote is not closed on its line");
  FAILS("domain: { type = \"bo\x01x\"; };\n", "a.cfg:7: byte 0x01 is no text");
  FAILS("domain: { };\n/* never\n\n", "a.cfg:8: the comment that begins here is never closed");
  fails("\x89PNG\r\n\x1a\n", NULL, "a.cfg:1: byte 0x89 is out of place: is this a case file?");
}
END_TEST

/* n times the text, in memory of the caller. */
static char *repeat(const char *text, int n)
{
  const size_t length = strlen(text);
  char *all = malloc(length * (size_t)n + 1);
  for (int i = 0; i < n; i++) memcpy(all + length * (size_t)i, text, length);
  all[length * (size_t)n] = 0;
  return all;
}

START_TEST(hostile_sizes)
{
  char *deep = repeat("a = {", 100000), *many = repeat("1,", 200000), *long_text = repeat("x", 1000000);
  char *names = repeat("a=1;", 10000), *text;
  fails(names, NULL, "a.cfg:1: more than 5000 settings");
  fails(deep, NULL, "a.cfg:1: syntax error: brackets are nested deeper than 32");
  ck_assert_int_gt(asprintf(&text, "a = [ %s 1 ];", many), 0);
  fails(text, NULL, "a.cfg:1: more than 100000 values: tables belong into an HDF5 file");
  free(text);
  ck_assert_int_gt(asprintf(&text, "%snetwork: { activation = \"%s\"; };", CASE, long_text), 0);
  fails(text, NULL, "a.cfg:8: network.activation: unknown activation 'xxxxxxxxxx");
  free(text);
  ck_assert_int_gt(asprintf(&text, "%s=1", long_text), 0);
  FAILS_SET(text, "xxx: PATH=VALUE is wanted");
  free(text);
  free(deep);
  free(many);
  free(names);
  free(long_text);
}
END_TEST

START_TEST(overrides)
{
  FAILS_SET("network.hiden=[3]", "--set network.hiden: unknown key 'hiden' in network (did you mean 'hidden'? known: ");
  FAILS_SET("netwrok.hidden=[3]", "--set netwrok.hidden: unknown key 'netwrok' (did you mean 'network'? known: ");
  FAILS_SET("network", "--set network: PATH=VALUE is wanted, as in --set network.hidden=[64,64]");
  FAILS_SET("=3", "--set : a path is written like solver[0].iterations");
  FAILS_SET("network..hidden=3", "a path is written like solver[0].iterations");
  FAILS_SET("network.=3", "a path is written like solver[0].iterations");
  FAILS_SET("solver[0=3", "a path is written like solver[0].iterations");
  FAILS_SET("solver[-1].type=adam", "a path is written like solver[0].iterations");
  FAILS_SET("solver[2].type=adam", "--set solver[2].type: there is no element [2]: the list has 2");
  FAILS_SET("problem.conditions[0].on=x", "there is no element [0]: the list has 0");
  FAILS_SET("network.hidden[0]=3", "--set network.hidden[0]: 'network.hidden' is no list of groups");
  FAILS_SET("network.hidden.x=3", "--set network.hidden.x: 'network.hidden' is no group: give its whole value");
  FAILS_SET("network.hidden=[64,64", "--set network.hidden: syntax error: the end is reached where ']' must close");
  FAILS_SET("network.hidden=[1]; seed = 2", "--set network.hidden: one value is wanted, not '[1]; seed = 2'");
  FAILS_SET("network.hidden=", "--set network.hidden: ");
  FAILS_SET("network.normalize=yes", "--set network.normalize: a value that is true or false is wanted, not \"yes\"");
  FAILS_SET("solver=adam", "--set solver: a list of groups ( { ... }, { ... } ) is wanted");
}
END_TEST

TEST_SUITE("config_errors", unknown_keys, missing_keys, misplaced_keys, wrong_words, wrong_types, values_out_of_range,
           bad_names, syntax, hostile_sizes, overrides)
