#include "cuda_impl.h"

static const REAL(Kernel) kernel = {
    REAL(KernelGemm_CUDA),        REAL(KernelCompose_CUDA),
    REAL(KernelMultiply_CUDA),    REAL(KernelMultiplyTranspose_CUDA),
    REAL(KernelCombine_CUDA),     REAL(KernelDotPoints_CUDA),
    REAL(KernelScalePoints_CUDA), REAL(KernelOuterPoint_CUDA),
    REAL(KernelPairProduct_CUDA),
};

const REAL(DeviceKernel) REAL(DeviceKernelCUDA) = {
    &kernel,
    REAL(DeviceMapPoints_CUDA),
    REAL(DeviceGatherColumns_CUDA),
    REAL(DeviceScatterColumns_CUDA),
    REAL(DeviceSpreadColumns_CUDA),
    REAL(DeviceSumPoints_CUDA),
    REAL(DeviceOuterRows_CUDA),
    REAL(DeviceScatterRows_CUDA),
    REAL(DeviceNarrow_CUDA),
    REAL(DeviceWiden_CUDA),
};
