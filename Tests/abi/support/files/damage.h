/*
 * Ways to damage a model folder; each changes one thing. Folders are clones (folder.h), so the model stays intact.
 *
 *   folder   the clone
 *   file     what to damage, relative to it
 *   key      a JSON key, a tensor's name, or what else the kind of damage needs; may be NULL
 *   value    what to put there; may be NULL
 */
#ifndef DAMAGE_H
#define DAMAGE_H

typedef void damage(const char *folder, const char *file, const char *key, const char *value);

/* Any file. */
damage damage_missing; /* the file is gone */
damage damage_empty;   /* it has no bytes */
damage damage_cut;     /* it ends early: after `value` bytes, or that many before its end if negative */
damage damage_garbage; /* its bytes are random */
damage damage_text;    /* it holds the text `value` */
damage damage_folder;  /* it is a folder */

/* A JSON file. */
damage damage_set;   /* `key` holds the JSON text `value` */
damage damage_unset; /* there is no `key` */

/* A safetensors file. */
damage damage_length;  /* the header's length is off by `value` bytes, or is 2^63 for NULL */
damage damage_entry;   /* tensor `key` has the members of the JSON object `value` */
damage damage_absent;  /* there is no tensor `key` */
damage damage_hole;    /* tensor `key` is not in the header, but its bytes are there */
damage damage_renamed; /* tensor `key` is called `value` */
damage damage_added;   /* there is a tensor `key` more, with the bytes of another */

/* A part's weights are sharded by an index that names shard `value`; `file` is the part's single file. */
damage damage_sharded;

#endif
