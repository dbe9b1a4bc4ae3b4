#include "cpu_impl.h"

const REAL(Kernel) REAL(KernelCPU) = {REAL(KernelGemm_CPU), REAL(KernelCompose_CPU), REAL(KernelMultiply_CPU),
                                      REAL(KernelMultiplyTranspose_CPU)};
