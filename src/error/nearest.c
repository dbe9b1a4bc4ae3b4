/* Optimal string alignment distance (Damerau-Levenshtein with each transposition counted once). */
#include <string.h>
#include "pinn/error.h"

#define MAX_WORD 64

static int least(int a, int b)
{
  return a < b ? a : b;
}

static int edit_distance(const char *a, const char *b)
{
  const int n = (int)strlen(a), m = (int)strlen(b);
  int row[3][MAX_WORD + 1], *before = row[0], *last = row[1], *now = row[2];
  for (int j = 0; j <= m; j++) last[j] = j;
  for (int i = 1; i <= n; i++) {
    now[0] = i;
    for (int j = 1; j <= m; j++) {
      now[j] = least(least(last[j] + 1, now[j - 1] + 1), last[j - 1] + (a[i - 1] != b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = least(now[j], before[j - 2] + 1);
    }
    int *oldest = before;
    before = last, last = now, now = oldest;
  }
  return last[m];
}

const char *ErrorNearestWord(const char *word, size_t n, const char *const words[])
{
  const size_t length = strlen(word);
  if (length > MAX_WORD) return NULL;
  const char *nearest = NULL;
  int best = (int)(length > 2 ? (length + 2) / 3 : length > 1) + 1; /* a single letter is near nothing */
  for (size_t i = 0; i < n; i++) {
    if (!words[i] || strlen(words[i]) > MAX_WORD) continue;
    const int distance = edit_distance(word, words[i]);
    if (distance < best) best = distance, nearest = words[i];
  }
  return nearest;
}
