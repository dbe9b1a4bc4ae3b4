/* Open addressing with linear probing; the load stays below one half. */
#include "formula_impl.h"

HashCursor HashStart(uint64_t hash)
{
  return (HashCursor){.hash = hash};
}

int HashNext(const HashIndex *index, HashCursor *cursor)
{
  for (; cursor->step < index->size; cursor->step++) {
    const size_t slot = (size_t)(cursor->hash + cursor->step) & (index->size - 1);
    if (index->id[slot] < 0) return -1;
    if (index->hash[slot] == cursor->hash) {
      cursor->step++;
      return index->id[slot];
    }
  }
  return -1;
}

static void place(HashIndex *index, uint64_t hash, int id)
{
  size_t slot = (size_t)hash & (index->size - 1);
  while (index->id[slot] >= 0) slot = (slot + 1) & (index->size - 1);
  index->hash[slot] = hash;
  index->id[slot] = id;
}

static PetscErrorCode resize(HashIndex *index)
{
  HashIndex larger = {.size = index->size ? 2 * index->size : 64, .used = index->used};

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(larger.size, &larger.hash, larger.size, &larger.id));
  for (size_t i = 0; i < larger.size; i++) larger.id[i] = -1;
  for (size_t i = 0; i < index->size; i++)
    if (index->id[i] >= 0) place(&larger, index->hash[i], index->id[i]);
  PetscCall(PetscFree2(index->hash, index->id));
  *index = larger;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HashInsert(HashIndex *index, uint64_t hash, int id)
{
  PetscFunctionBegin;
  if (2 * (index->used + 1) > index->size) PetscCall(resize(index));
  place(index, hash, id);
  index->used++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HashDestroy(HashIndex *index)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(index->hash, index->id));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static uint64_t mix(uint64_t h)
{
  h ^= h >> 32;
  h *= 0x9e3779b97f4a7c15u;
  return h ^ (h >> 29);
}

uint64_t HashBytes(uint64_t seed, size_t n, const void *bytes)
{
  uint64_t h = mix(seed + n);
  const char *at = bytes;
  for (size_t i = 0; i + 4 <= n; i += 4) {
    uint32_t word;
    memcpy(&word, at + i, 4);
    h = mix(h ^ word);
  }
  return mix(h);
}

static uint64_t pair_hash(int a, int b)
{
  return mix(((uint64_t)(uint32_t)a << 32) ^ mix((uint32_t)b + 0x51ed27u));
}

int PairMapFind(const PairMap *map, int a, int b)
{
  HashCursor cursor = HashStart(pair_hash(a, b));
  for (int id; (id = HashNext(&map->index, &cursor)) >= 0;)
    if (map->entry[id][0] == a && map->entry[id][1] == b) return map->entry[id][2];
  return -1;
}

PetscErrorCode PairMapInsert(PairMap *map, int a, int b, int value)
{
  PetscFunctionBegin;
  FormulaGrow(map->entry, map->n, map->capacity);
  map->entry[map->n][0] = a;
  map->entry[map->n][1] = b;
  map->entry[map->n][2] = value;
  PetscCall(HashInsert(&map->index, pair_hash(a, b), map->n++));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PairMapDestroy(PairMap *map)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(map->entry));
  PetscCall(HashDestroy(&map->index));
  *map = (PairMap){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}
