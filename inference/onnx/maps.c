//go:build cgo

// Reading string tensors and sequences of maps.
#include "ort.h"

static OrtStatus *read_text(ps_runner *r, OrtValue *value, char *text, size_t text_bytes, ps_ref *refs, size_t count) {
  if (text_bytes > UINT32_MAX) return r->api->CreateStatus(ORT_FAIL, "the strings of one output exceed 4 GiB");
  if (count == 0) return NULL;
  if (r->offsets_room < count) {
    size_t *offsets = realloc(r->offsets, count * sizeof *offsets);
    if (!offsets) return ps_out_of_memory(r->api);
    r->offsets = offsets;
    r->offsets_room = count;
  }
  TRY(r->api->GetStringTensorContent(value, text, text_bytes, r->offsets, count));
  for (size_t k = 0; k < count; k++) {
    size_t end = k + 1 < count ? r->offsets[k + 1] : text_bytes;
    refs[k].start = (uint32_t)r->offsets[k];
    refs[k].length = (uint32_t)(end - r->offsets[k]);
  }
  return NULL;
}

OrtStatus *ps_text(ps_runner *r, size_t i, char *text, size_t text_bytes, ps_ref *refs, size_t count) {
  return read_text(r, r->output_values[i], text, text_bytes, refs, count);
}

OrtStatus *ps_key_text(ps_runner *r, char *text, size_t text_bytes, ps_ref *refs, size_t count) {
  return read_text(r, r->keys, text, text_bytes, refs, count);
}

// map_part gives the keys (0) or the values (1) of map row of a sequence.
static OrtStatus *map_part(ps_runner *r, OrtValue *sequence, size_t row, int part, OrtValue **out) {
  OrtValue *map = NULL;
  TRY(r->api->GetValue(sequence, (int)row, r->allocator, &map));
  OrtStatus *status = r->api->GetValue(map, part, r->allocator, out);
  r->api->ReleaseValue(map);
  return status;
}

OrtStatus *ps_first_map(ps_runner *r, size_t i, size_t *rows, size_t *columns, ps_output *keys) {
  *columns = 0;
  TRY(r->api->GetValueCount(r->output_values[i], rows));
  if (*rows == 0) return NULL;
  ps_release_values(r->api, &r->keys, 1);
  TRY(map_part(r, r->output_values[i], 0, 0, &r->keys));
  TRY(ps_describe_output(r->api, r->keys, keys));
  *columns = keys->rank == 1 ? (size_t)keys->dims[0] : 0;
  return NULL;
}

// same_keys compares a map's keys with the first map's.
static OrtStatus *same_keys(ps_runner *r, OrtValue *keys, size_t columns, bool *same) {
  ps_output a, b;
  TRY(ps_describe_output(r->api, r->keys, &a));
  TRY(ps_describe_output(r->api, keys, &b));
  *same = a.type == b.type && b.rank == 1 && (size_t)b.dims[0] == columns && a.text_bytes == b.text_bytes;
  if (!*same || columns == 0) return NULL;
  if (a.type == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64) {
    *same = memcmp(a.data, b.data, columns * sizeof(int64_t)) == 0;
    return NULL;
  }
  // Both texts and both lists of offsets, side by side in one block.
  size_t offsets = columns * sizeof(size_t), half = offsets + a.text_bytes;
  char *block = malloc(2 * offsets + 2 * a.text_bytes);
  if (!block) return ps_out_of_memory(r->api);
  size_t *at = (size_t *)block;
  char *text = block + 2 * offsets;
  OrtStatus *status = r->api->GetStringTensorContent(r->keys, text, a.text_bytes, at, columns);
  if (!status)
    status = r->api->GetStringTensorContent(keys, text + a.text_bytes, a.text_bytes, at + columns, columns);
  *same = !status && memcmp(at, at + columns, offsets) == 0 && memcmp(text, text + a.text_bytes, half - offsets) == 0;
  free(block);
  return status;
}

static OrtStatus *copy_map(ps_runner *r, OrtValue *sequence, size_t row, float *values, size_t columns) {
  OrtValue *part[2] = {NULL, NULL};
  ps_output scores;
  bool same = false;
  OrtStatus *status = map_part(r, sequence, row, 0, &part[0]);
  if (!status) status = same_keys(r, part[0], columns, &same);
  if (!status && !same) status = r->api->CreateStatus(ORT_FAIL, "its maps do not all have the same keys");
  if (!status) status = map_part(r, sequence, row, 1, &part[1]);
  if (!status) status = ps_describe_output(r->api, part[1], &scores);
  if (!status) memcpy(values, scores.data, columns * sizeof *values);
  ps_release_values(r->api, part, 2);
  return status;
}

OrtStatus *ps_maps(ps_runner *r, size_t i, float *values, size_t rows, size_t columns) {
  for (size_t row = 0; row < rows; row++)
    TRY(copy_map(r, r->output_values[i], row, values + row * columns, columns));
  return NULL;
}
