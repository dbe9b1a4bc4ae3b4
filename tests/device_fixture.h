/* Tests of a device: on a real one where the build has it and one answers, else skipped; and, as another binary, on the
   same sources compiled for the processor. */
#pragma once
#include <stdio.h>
#include "network_fixture.h"
#include "pinn/memory.h"

/* The device, opened once; NULL, with a message, where none answers. */
static inline const Device *TestDevice(void)
{
  static const Device *device;
  static bool asked;
  char text[256];
  if (asked) return device;
  asked = true;
  if (DeviceCUDA.open(0, text, sizeof(text)))
    device = &DeviceCUDA;
  else
    printf("skipped: %s\n", text);
  return device;
}

static inline void *OnDevice(const Device *device, size_t bytes, const void *from)
{
  void *memory;
  ck_petsc(DeviceAllocate(device, bytes, from, &memory));
  return memory;
}

static inline void Drop(const Device *device, void *memory)
{
  ck_petsc(DeviceFree(device, &memory));
}

/* Back on the host, and no longer there. */
static inline void TakeBack(const Device *device, void *memory, size_t bytes, void *to)
{
  device->get(to, memory, bytes);
  ck_petsc(DeviceCheck(device));
  Drop(device, memory);
}
