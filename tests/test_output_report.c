/* The report: table, JSON lines and summary, from plain arrays and a clock that the test moves. */
#include "harness.h"
#include "json_check.h"
#include "output_desk.h"
#include "output_fixture.h"

#define SELF PETSC_COMM_SELF

static Verification example_verification(void)
{
  static double l2[] = {1e-4, NAN}, most[] = {2e-4, NAN}, constant[] = {0.9, NAN}, numbers[] = {1, 2, 3, INFINITY};
  Verification v = {.n_field = 2,
                    .has_truth = true,
                    .truth = "exact solution on a grid of 101 x 101",
                    .l2_error = l2,
                    .max_error = most,
                    .constant_error = constant,
                    .residual_rms = 1e-5,
                    .heldout_rms = 2e-5,
                    .n_term = 4,
                    .term_rms = numbers,
                    .term_max = numbers,
                    .heldout_term_rms = numbers,
                    .heldout_term_max = numbers,
                    .n_warning = 1};
  snprintf(v.warning[0], sizeof(v.warning[0]), "a \"constant\" would score as well");
  return v;
}

START_TEST(times_and_counts_are_short)
{
  static const struct {
    double value;
    const char *seconds, *count;
  } cases[] = {
      {0, "0.0s", "0"},          {9.96, "10.0s", "10"},      {99.9, "99.9s", "100"},    {100, "1m40s", "100"},
      {999.4, "16m39s", "999"},  {999.6, "16m40s", "1.00k"}, {5999, "99m59s", "6.00k"}, {6000, "1h40m", "6.00k"},
      {12345, "3h25m", "12.3k"}, {359999, "99h59m", "360k"}, {360000, "4d04h", "360k"}, {4.56e6, "52d18h", "4.56M"},
      {NAN, "-", "-"},           {INFINITY, "-", "-"}};
  char text[16];
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    FormatSeconds(cases[i].value, text);
    ck_assert_str_eq(text, cases[i].seconds);
    FormatCount(cases[i].value, text);
    ck_assert_str_eq(text, cases[i].count);
  }
  FormatSeconds(-1, text);
  ck_assert_str_eq(text, "-");
}
END_TEST

START_TEST(json_is_valid_whatever_the_text)
{
  static const char *const texts[] = {"",
                                      "plain",
                                      "quote \" backslash \\ slash /",
                                      "tab\t newline\n bell\a del\x7f",
                                      "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80",
                                      "latin-1 \xe4 cut \xe2\x82",
                                      "\xff\xc0\x80\xed\xa0\x80"};
  static const char *const invalid[] = {"", "{\"a\": 01}", "{\"a\": nan}", "[1,]", "{} {}", "\"\t\"", "{\"a\"}"};
  Json json;
  char *text;
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    ck_petsc(JsonBegin(&json));
    JsonText(&json, texts[i], texts[i]);
    JsonOpen(&json, "array", '[');
    JsonNumber(&json, NULL, -1.5e-300);
    JsonNumber(&json, NULL, NAN);
    JsonNumber(&json, NULL, INFINITY);
    JsonOpen(&json, NULL, '{');
    JsonClose(&json, '}');
    JsonClose(&json, ']');
    JsonInteger(&json, "n", -7);
    JsonText(&json, "none", NULL);
    ck_petsc(JsonEnd(&json, &text));
    ck_assert_msg(json_valid(text) && !strchr(text, '\n'), "%s", text);
    ck_assert(json_real(text, "n") == -7);
    ck_assert_int_eq(strncmp(json_member(text, "array"), "[-1.5", 5), 0);
    ck_assert_ptr_nonnull(strstr(text, ", null, null, {}]"));
    free(text);
  }
  ck_petsc(JsonBegin(&json));
  JsonText(&json, "a", "\xe4");
  ck_petsc(JsonEnd(&json, &text));
  ck_assert_str_eq(text, "{\"a\": \"\\ufffd\"}");
  free(text);
  for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
    ck_assert_msg(!json_valid(invalid[i]), "%s", invalid[i]);
}
END_TEST

START_TEST(a_log_has_plain_lines)
{
  Desk *desk = desk_open((ReportOptions){0}, NULL, 3);
  Report report = desk->report;
  run_stage(report, 0, 0, 59, 59);
  run_stage(report, 1, 0, 2, 10);
  fflush(report->out);
  ck_assert_int_eq(count(desk->out, "stage   "), 4); /* 60 lines are three heads, the next stage has its own */
  ck_assert_int_eq(count(desk->out, "residual RMS"), 4);
  ck_assert_int_eq(count(desk->out, "adam     "), 60);
  ck_assert_int_eq(count(desk->out, "gauss-newton "), 3);
  ck_assert_int_eq(count(desk->out, "adam: all iterations done\n"), 1);
  ck_assert_int_eq(count(desk->out, "walls (2)"), 4);
  ck_assert_int_eq(count(desk->out, "relative L2 error"), 4);
  ck_assert_int_eq(count(desk->out, "damping"), 1);
  ck_assert_ptr_null(strchr(desk->out, '\r'));
  ck_assert_ptr_null(strchr(desk->out, '\033'));
  /* All lines of the table are as wide as their head, and iteration 10 of 59 after 5 s has 24.5 s to go. */
  const char *line = strstr(desk->out, "adam                 10 ");
  ck_assert_ptr_nonnull(line);
  const char *expected = "adam                 10   9.77e-04   1.00e-03   2.00e-04   3.00e-05              2.50e-01   "
                         "5.00e-01   1.00k    5.5s     24.5s\n";
  ck_assert_int_eq(strncmp(line, expected, strlen(expected)), 0);
  ck_assert_uint_eq(strcspn(line, "\n"), strcspn(strstr(desk->out, "stage  "), "\n"));
  desk_close(desk);
}
END_TEST

START_TEST(narrow_lines_join_terms)
{
  Desk *desk = desk_open((ReportOptions){0}, NULL, 3);
  desk->report->width = 118;
  run_stage(desk->report, 0, 0, 0, 5);
  fflush(desk->report->out);
  ck_assert_ptr_nonnull(strstr(desk->out, "burgers     others"));
  ck_assert_ptr_nonnull(strstr(desk->out, "1.00e-03   2.00e-04              2.50e-01")); /* the larger of the others */
  for (const char *line = desk->out; *line; line += strcspn(line, "\n") + 1)
    ck_assert_uint_lt(strcspn(line, "\n"), 118);
  desk_close(desk);
}
END_TEST

START_TEST(a_terminal_keeps_one_line_moving)
{
  Desk *desk = desk_open((ReportOptions){0}, NULL, 3);
  Report report = desk->report;
  report->terminal = true;
  run_stage(report, 0, 0, 40, 40);
  fflush(report->out);
  ck_assert_int_eq(count(desk->out, "\r\033[K"), 20); /* every second line, as two come in a second */
  ck_assert_int_eq(count(desk->out, "stage   "), 1);
  ck_assert_int_eq(desk->out[desk->n_out - 1], '\n');
  advance(report, 1, 0, 5, true);
  advance(report, 1, 1, 5, true);
  ck_assert(report->open);
  ck_petsc(ReportMessage(report, "wrote %s", "it"));
  ck_assert(!report->open);
  fflush(report->err);
  ck_assert_str_eq(desk->err, "pinn-solve: wrote it\n");
  desk_close(desk);
}
END_TEST

START_TEST(quiet_says_the_warning_and_the_end)
{
  Desk *desk = desk_open((ReportOptions){.quiet = true}, NULL, 4);
  const Verification v = example_verification();
  const char *const names[] = {"case"}, *const texts[] = {"a.cfg"};
  ck_petsc(ReportHeader(desk->report, 1, names, texts));
  run_stage(desk->report, 0, 0, 9, 9);
  ck_petsc(ReportVerification(desk->report, &v));
  now = 1083;
  ck_petsc(ReportEnd(desk->report, EXIT_DIVERGED, "no luck", 9));
  fflush(desk->report->out);
  fflush(desk->report->err);
  ck_assert_msg(strncmp(desk->out, "no luck (9 iterations, 83.0s, ", 30) == 0, "%s", desk->out);
  ck_assert_int_eq(count(desk->out, "\n"), 1);
  ck_assert_str_eq(desk->err, "warning: a \"constant\" would score as well\n");
  ck_petsc(ReportEnd(desk->report, EXIT_STOPPED, "stopped by SIGTERM", 1));
  fflush(desk->report->out);
  ck_assert_ptr_nonnull(strstr(desk->out, "\nstopped by SIGTERM (1 iteration, "));
  desk_close(desk);
}
END_TEST

START_TEST(people_see_banner_and_verification)
{
  Desk *desk = desk_open((ReportOptions){0}, NULL, 4);
  const Verification v = example_verification();
  const char *const names[] = {"case", "points"}, *const texts[] = {"a.cfg", "interior: 5\nwalls: 6\n"};
  ck_petsc(ReportHeader(desk->report, 2, names, texts));
  ck_petsc(ReportVerification(desk->report, &v));
  ck_petsc(ReportEnd(desk->report, EXIT_DONE, "converged", 1));
  fflush(desk->report->out);
  ck_assert_int_eq(strncmp(desk->out, "case    a.cfg\npoints  interior: 5\n        walls: 6\n", 47), 0);
  ck_assert_ptr_nonnull(
      strstr(desk->out, "  burgers                      1.000e+00     1.000e+00     1.000e+00     1.000e+00\n"));
  ck_assert_ptr_nonnull(strstr(desk->out, "  u                            1.000e-04     2.000e-04     9.000e-01\n"));
  ck_assert_ptr_nonnull(strstr(desk->out, "truth unknown"));
  ck_assert_ptr_nonnull(strstr(desk->out, "against exact solution on a grid of 101 x 101\nwarning: a"));
  ck_assert_ptr_nonnull(strstr(desk->out, "\ndone: converged (1 iteration, "));
  desk_close(desk);
}
END_TEST

/* One stage, by its last row, without what it did not tell. */
static void check_stages(const char *stages)
{
  const char *only = json_skip(stages + 1);
  ck_assert_int_eq(strncmp(json_member(only, "stage"), "\"gauss-newton\"", 14), 0);
  ck_assert(json_real(only, "iterations") == 1 && json_real(only, "loss") == 0.5);
  ck_assert_ptr_null(json_member(only, "rho"));
  ck_assert_int_eq(json_skip(json_value(only))[0], ']');
}

START_TEST(json_lines_are_events)
{
  static const char *const events[] = {"start", "progress", "progress", "progress", "message", "verification", "end"};
  const char *base = fixture_directory();
  Folder folder;
  ck_petsc(FolderCreate(SELF, base, FOLDER_NEW, &folder));
  Desk *desk = desk_open((ReportOptions){.json = true, .quiet = true}, folder, 4);
  const Verification v = example_verification();
  const char *const names[] = {"case", "jet plan"}, *const texts[] = {"a.cfg", "1, x,\n xx"};
  ck_petsc(ReportHeader(desk->report, 2, names, texts));
  run_stage(desk->report, 1, 0, 1, 1);
  ck_petsc(ReportMessage(desk->report, "a %s\nmessage", "long"));
  ck_petsc(ReportVerification(desk->report, &v));
  ck_petsc(ReportEnd(desk->report, EXIT_STOPPED, "SIGTERM", 1));
  fflush(desk->report->out);
  char *lines[8], *rest = desk->out;
  int n = 0;
  for (char *line; (line = strsep(&rest, "\n")) != NULL && *line; n++) {
    ck_assert_msg(n < 7 && json_valid(line), "%s", line);
    ck_assert_msg(strncmp(json_member(line, "event") + 1, events[n], strlen(events[n])) == 0, "%s", line);
    lines[n] = line;
  }
  ck_assert_int_eq(n, 7);
  ck_assert_int_eq(strncmp(json_member(lines[0], "jet_plan"), "\"1, x,\\n xx\"", 12), 0);
  ck_assert(json_real(lines[2], "iteration") == 1 && json_real(lines[2], "loss") == 0.5);
  ck_assert(json_real(lines[1], "damping") == 0.125 && isnan(json_real(lines[1], "gradient_norm")));
  ck_assert(json_real(json_member(lines[1], "rms"), "walls (2)") == 3e-5);
  ck_assert(json_real(json_member(lines[1], "error"), "v") == 0.5);
  ck_assert_ptr_null(json_member(lines[1], "reason"));
  ck_assert_ptr_nonnull(json_member(lines[3], "reason"));
  ck_assert(json_real(json_member(lines[5], "l2_error"), "u") == 1e-4);
  ck_assert(isnan(json_real(json_member(lines[5], "l2_error"), "v")));
  ck_assert(json_real(lines[5], "residual_rms") == 1e-5 && json_real(lines[5], "heldout_residual_rms") == 2e-5);
  ck_assert(json_real(json_member(json_member(lines[5], "terms"), "walls"), "heldout_rms") == 2);
  ck_assert_int_eq(json_member(lines[5], "warnings")[0], '[');
  ck_assert(json_real(lines[6], "status") == 3 && json_real(lines[6], "iterations") == 1);
  ck_assert(json_real(lines[6], "peak_memory_mb") > 1 && json_real(lines[6], "seconds") == now - 1000);
  desk_close(desk);

  size_t size;
  char *summary = fixture_read(fixture_path(base, "summary.json"), &size);
  ck_assert(json_valid(summary));
  ck_assert_ptr_nonnull(json_member(json_member(summary, "start"), "case"));
  ck_assert(json_real(json_member(json_member(summary, "verification"), "max_error"), "u") == 2e-4);
  ck_assert(json_real(json_member(summary, "end"), "status") == 3);
  check_stages(json_member(summary, "stages"));
  free(summary);
  ck_petsc(FolderDestroy(&folder));
  fixture_remove(base);
}
END_TEST

TEST_SUITE("output report", times_and_counts_are_short, json_is_valid_whatever_the_text, a_log_has_plain_lines,
           narrow_lines_join_terms, a_terminal_keeps_one_line_moving, quiet_says_the_warning_and_the_end,
           people_see_banner_and_verification, json_lines_are_events)
