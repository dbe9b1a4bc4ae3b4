#include "cpu_impl.h"

const Kernel KernelCPU = {KernelGemm_CPU, KernelCompose_CPU, KernelMultiply_CPU, KernelMultiplyTranspose_CPU};
