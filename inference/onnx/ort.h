// What Go needs of ONNX Runtime's C API beyond github.com/yalue/onnxruntime_go:
// one call a run that allocates nothing on Go's side, string tensors with
// lengths, and the model's inputs and outputs as the session knows them.
//
// Nothing here has state of its own: the API and the handles are Go's, which
// also serialises the calls on one ps_runner. Functions that can fail return
// NULL or an OrtStatus that the caller releases.
#ifndef PENSTOCK_ORT_H
#define PENSTOCK_ORT_H

// As in onnxruntime_go: without _WIN32 the header asks for neither Microsoft's
// annotations nor __stdcall, which 64-bit Windows has no use for. What it
// includes comes first, so that only the header itself sees the change.
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#undef _WIN32
#include "onnxruntime_c_api.h"
#define _WIN32
#else
#include "onnxruntime_c_api.h"
#endif

// PS_MAX_RANK bounds the shapes of inputs; no real model comes near it.
#define PS_MAX_RANK 16

// ps_ref is inference.TextRef: one string's place within a text.
typedef struct {
  uint32_t start, length;
} ps_ref;

// ps_info describes one input or output. For a sequence of maps, key and type
// are the element types of the maps' keys and values.
typedef struct {
  char *name;   // to be freed with free
  int32_t kind; // ONNXType
  int32_t type; // ONNXTensorElementDataType
  int32_t key;
  int32_t rank; // -1: unknown
  int64_t dims[PS_MAX_RANK];
} ps_info;

// ps_input is one input of the next run; Go writes it. data points to Go
// memory that stays pinned for as long as it stands here.
typedef struct {
  void *data; // NULL for strings
  size_t bytes;
  int32_t type;
  int32_t rank;
  int64_t dims[PS_MAX_RANK];
  bool changed; // anything above differs from the last run's
} ps_input;

// ps_output is one output of the last run; Go reads it. The pointers hold
// until the next run.
typedef struct {
  const void *data;    // NULL for strings
  const int64_t *dims; // NULL for a scalar
  size_t rank;
  size_t text_bytes;   // strings: all together
  int32_t kind;
  int32_t type;
} ps_output;

// ps_runner is what one goroutine needs to run a session.
typedef struct {
  const OrtApi *api;
  OrtSession *session;
  const char *const *input_names, *const *output_names;
  size_t inputs, outputs;
  ps_input *in;
  ps_output *out;

  OrtRunOptions *options;
  OrtMemoryInfo *memory;
  OrtAllocator *allocator; // the default one, which is never released
  OrtValue **input_values, **output_values;
  OrtValue *keys;          // of the map that ps_first_map read
  ps_output first;         // describes them
  size_t rows, columns;    // of that output
  size_t *offsets;         // scratch for reading strings
  size_t offsets_room;
} ps_runner;

// --- ort.c ---

// ps_load opens the library (again: an open one only gets one more reference)
// and finds its entry point. It returns NULL or an error text to be freed.
char *ps_load(const char *path, const OrtApiBase **base);
const char *ps_version(const OrtApiBase *base);
const OrtApi *ps_api(const OrtApiBase *base);

// ps_message copies a status's text, to be freed, and releases the status.
char *ps_message(const OrtApi *api, OrtStatus *status);

OrtStatus *ps_count(const OrtApi *api, OrtSession *session, size_t *inputs, size_t *outputs);
OrtStatus *ps_describe(const OrtApi *api, OrtSession *session, bool output, size_t i, ps_info *info);
// ps_assigned counts the nodes that run on the named execution provider; the
// session must have been asked to record its assignments.
OrtStatus *ps_assigned(const OrtApi *api, OrtSession *session, const char *provider, size_t *on, size_t *all);

// ps_trim gives memory that is free back to the system. glibc keeps what a
// thread's arena has freed, and goroutines change threads: without this a
// process that swaps models grows with every thread that ever did (over 1,000
// swaps of card_fraud_gbdt from 45 to 52 MB; with it from 37 to 38 MB).
void ps_trim(void);

// --- run.c ---

// ps_open fills in the lower half of a zeroed runner; ps_close frees it all and
// may be called on one that failed to open.
OrtStatus *ps_open(ps_runner *r);
void ps_close(ps_runner *r);

// ps_fill copies count strings into string input i. It comes before ps_run
// whenever the strings changed.
OrtStatus *ps_fill(ps_runner *r, size_t i, const char *text, size_t text_bytes, const ps_ref *refs, size_t count);
// ps_run runs the session on the inputs and describes the outputs.
OrtStatus *ps_run(ps_runner *r);
// ps_terminate(r, true) makes the current run, or else the next, fail soon; it
// may be called from any thread. ps_terminate(r, false) takes it back.
void ps_terminate(ps_runner *r, bool on);

// --- maps.c ---

// ps_text copies string output i.
OrtStatus *ps_text(ps_runner *r, size_t i, char *text, size_t text_bytes, ps_ref *refs, size_t count);
// ps_first_map finds how many maps output i has and what the first one's keys
// are: it sets the runner's rows, columns, keys and first.
OrtStatus *ps_first_map(ps_runner *r, size_t i);
// ps_key_text copies the string keys that ps_first_map found.
OrtStatus *ps_key_text(ps_runner *r, char *text, size_t text_bytes, ps_ref *refs, size_t count);
// ps_maps copies the float values of all maps of output i, rows by columns; it
// fails where a map's keys are not the first one's.
OrtStatus *ps_maps(ps_runner *r, size_t i, float *values);

// --- shared by the C files only ---

// TRY returns from the function with the status when the call fails.
#define TRY(call)                \
  do {                           \
    OrtStatus *status_ = (call); \
    if (status_) return status_; \
  } while (0)

OrtStatus *ps_out_of_memory(const OrtApi *api);
OrtStatus *ps_describe_output(const OrtApi *api, OrtValue *value, ps_output *out);
void ps_release_values(const OrtApi *api, OrtValue **values, size_t n);

#endif
