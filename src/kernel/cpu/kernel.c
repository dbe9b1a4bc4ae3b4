#include "cpu_impl.h"

const REAL(Kernel) REAL(KernelCPU) = {
    .gemm = REAL(KernelGemm_CPU),
    .compose = REAL(KernelCompose_CPU),
    .multiply = REAL(KernelMultiply_CPU),
    .multiply_transpose = REAL(KernelMultiplyTranspose_CPU),
    .combine = REAL(KernelCombine_CPU),
    .dot_points = REAL(KernelDotPoints_CPU),
    .scale_points = REAL(KernelScalePoints_CPU),
    .outer_point = REAL(KernelOuterPoint_CPU),
    .pair_product = REAL(KernelPairProduct_CPU),
};
