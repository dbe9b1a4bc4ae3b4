/* A small case and what it takes to change one line of it. */
#pragma once
#include <stdio.h>
#include <string.h>
#include "harness.h"
#include "pinn/config.h"

#define PROBLEM                                                                                                        \
  "problem: {\n"                                                                                                       \
  "  coordinates = [ \"x\", \"t\" ];\n"                                                                                \
  "  fields = [ \"u\" ];\n"                                                                                            \
  "  constants: { nu = \"0.01/pi\"; two_nu = \"2*nu\"; };\n"                                                           \
  "  equations = ( { residual = \"u_t - nu*u_xx\"; } );\n"                                                             \
  "};\n" /* six lines */
#define DOMAIN "domain: { };\n"
#define CASE   PROBLEM DOMAIN

static inline Config LoadWith(const char *text, int n, const char *const overrides[])
{
  Config config;
  ck_petsc(ConfigLoadText("a.cfg", text, n, overrides, &config));
  return config;
}

static inline double RealOf(Config config, const char *path)
{
  PetscReal value;
  ck_petsc(ConfigGetReal(config, path, &value));
  return value;
}

static inline int IntOf(Config config, const char *path)
{
  PetscInt value;
  ck_petsc(ConfigGetInt(config, path, &value));
  return (int)value;
}

static inline const char *StringOf(Config config, const char *path)
{
  const char *value;
  ck_petsc(ConfigGetString(config, path, &value));
  return value;
}
