#include "cuda_runtime.h"

ShimIndex blockIdx, threadIdx;
unsigned char *ShimRoom;
