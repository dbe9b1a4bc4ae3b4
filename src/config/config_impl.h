/* From text to settings:

     scan.c      text -> text that libconfig reads without surprises (numbers, brackets, comments)
     item.c      libconfig's tree -> Items, which know where they were written
     override.c  --set changes Items
     check.c     Items against the table: unknown and missing keys, defaults
     value.c     numbers, formulas, words, ranges
     compare.c   two Configs against each other

   Everything a Config owns lies in its chunks and is freed with them. */
#pragma once
#include "pinn/config.h"
#include "pinn/error.h"
#include "pinn/formula.h"

#define MAX_NAME    64
#define MAX_PATTERN 128
#define MAX_PATH    255    /* of --set */
#define MAX_DEPTH   32     /* of brackets */
#define MAX_NAMES   5000   /* in a case file; libconfig looks through a group for each */
#define MAX_VALUES  100000 /* in a case file */

typedef struct Chunk_s *Chunk;

typedef struct {
  enum { FROM_FILE, FROM_OVERRIDE, FROM_DEFAULT } kind;
  const char *name; /* the file, or the path that --set names */
} Source;

typedef enum { ITEM_GROUP, ITEM_LIST, ITEM_NUMBER, ITEM_BOOL, ITEM_STRING } ItemType;

/* A setting as it was written (libconfig's arrays are lists here) and, after the check, its value. */
typedef struct Item_s *Item;
struct Item_s {
  const char *name; /* NULL for the root and for elements of a list */
  Item parent, first, last, next;
  int n, index; /* number of members or elements; place among the parent's */
  ItemType type;
  double number;    /* also 0 and 1 of a boolean */
  const char *text; /* of a string; of a number or boolean that --set gives, as typed; else NULL */
  const Source *source;
  int line;
  const ConfigKey *key;
  const char *where; /* made when first asked for */
  int n_value;
  PetscInt *ints;
  PetscReal *reals;
  const char **strings;
};

struct Config_s {
  Source file, fallback;
  const char *text;
  Item root;
  Chunk chunks;
  Formula formula; /* of problem.constants, while values are read */
};

/* Zeroed memory that lives as long as config. */
PetscErrorCode ConfigAlloc(Config config, size_t size, void *memory);
PetscErrorCode ConfigCopyText(Config config, const char *text, size_t length, const char **copy);

/* The text as libconfig shall read it: without comments, lists for arrays (which may then mix whole numbers, reals and
   formulas), decimal integers beyond 32 bits as reals. Refuses what libconfig reports badly or not at all. */
PetscErrorCode ConfigScan(Config config, const Source *source, const char *text, char **scanned);

/* Reads `text` into the group `root`. */
PetscErrorCode ItemParse(Config config, const Source *source, const char *text, Item root);
PetscErrorCode ItemCreate(Config config, const Source *source, ItemType type, Item *item);
void ItemAppend(Item parent, const char *name, Item child);
/* Makes `item` say what `from` says; its name and place stay. */
void ItemAssign(Item item, Item from);
/* The default of a key, or an empty group. */
PetscErrorCode ItemCreateDefault(Config config, const ConfigKey *key, Item *item);
Item ItemFind(Item group, const char *name);
Item ItemElement(Item list, int k);

/* The path below which the table has the members or elements of item: "", "network", "solver[]". */
void ItemPattern(Item item, char pattern[MAX_PATTERN]);
/* "case.cfg:12", "--set network.hidden" or "case.cfg", in one of a few rotating buffers. */
const char *SourcePlace(const Source *source, int line);
/* The same with the item's path: what ConfigWhere gives. */
const char *ItemWhere(Config config, Item item);

/* Rows of the table. `pattern` is a path as the table writes it ("", "network", "solver[]").
   KeyName: the row's last name where it stands directly below pattern, else NULL.
   KeyChild: the row of a name below pattern ("*" fits any name), or NULL. */
const char *KeyName(const char *pattern, const ConfigKey *key);
const ConfigKey *KeyChild(const char *pattern, const char *name);
/* Returns a user's mistake: the name is unknown below pattern. */
PetscErrorCode KeyUnknown(const char *place, const char *pattern, const char *name);
/* A list inside an element of a list of the same name has the rows of the outer one, to any depth: "domain.of[].of[]"
   becomes "domain.of[]". */
void PatternFold(char *pattern);
/* The next step of a path: a name with index -1, or an index with an empty name. False where it is malformed. */
bool PathStep(const char **path, char name[MAX_NAME + 1], int *index);

/* Is word one of `words`, which are separated by blanks? NULL has none. */
bool WordAmong(const char *words, const char *word);

/* The setting at path, or NULL. */
Item ConfigFind(Config config, const char *path);
/* A value or array as a resolved case writes it. */
void ConfigWriteValue(FILE *stream, Item item);
PetscErrorCode ConfigOverride(Config config, const char *text);
/* Ties the settings of a group and of all below it to their rows and adds the defaults; words are checked already here,
   since the type of a group decides which keys belong to it. */
PetscErrorCode ConfigCheck(Config config, Item group);
PetscErrorCode ConfigCheckWord(Config config, Item item);
/* Reads the values of all settings, constants first. */
PetscErrorCode ConfigEvaluate(Config config);
