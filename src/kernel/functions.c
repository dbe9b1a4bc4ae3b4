/* Functions by number, for devices. */
#include <stddef.h>
#include "pinn/series.h"

int SeriesNumber(KernelSeries series)
{
  static const KernelSeries table[] = {
#define FUNCTION(Name, call) Series##Name,
#include "functions.h"
  };
  for (size_t f = 0; f < sizeof(table) / sizeof(table[0]); f++)
    if (table[f] == series) return (int)f;
  return -1;
}
