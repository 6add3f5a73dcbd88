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

OrtStatus *ps_first_map(ps_runner *r, size_t i) {
  r->columns = 0;
  TRY(r->api->GetValueCount(r->output_values[i], &r->rows));
  if (r->rows == 0) return NULL;
  ps_release_values(r->api, &r->keys, 1);
  TRY(map_part(r, r->output_values[i], 0, 0, &r->keys));
  TRY(ps_describe_output(r->api, r->keys, &r->first));
  r->columns = r->first.rank == 1 ? (size_t)r->first.dims[0] : 0;
  return NULL;
}

// same_text compares two string tensors of as many elements and bytes as the
// first map's keys.
static OrtStatus *same_text(ps_runner *r, OrtValue *a, OrtValue *b, bool *same) {
  size_t n = r->columns, bytes = r->first.text_bytes;
  size_t *offsets = malloc(2 * n * sizeof *offsets + 2 * bytes); // a's and b's, then their texts
  if (!offsets) return ps_out_of_memory(r->api);
  char *text = (char *)(offsets + 2 * n);
  OrtStatus *status = r->api->GetStringTensorContent(a, text, bytes, offsets, n);
  if (!status) status = r->api->GetStringTensorContent(b, text + bytes, bytes, offsets + n, n);
  *same = !status && memcmp(offsets, offsets + n, n * sizeof *offsets) == 0 && memcmp(text, text + bytes, bytes) == 0;
  free(offsets);
  return status;
}

// same_keys compares a map's keys with the first map's.
static OrtStatus *same_keys(ps_runner *r, OrtValue *keys, bool *same) {
  ps_output k;
  TRY(ps_describe_output(r->api, keys, &k));
  *same = k.type == r->first.type && k.rank == 1 && (size_t)k.dims[0] == r->columns &&
          k.text_bytes == r->first.text_bytes;
  if (!*same || r->columns == 0) return NULL;
  if (k.type == ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING) return same_text(r, r->keys, keys, same);
  *same = memcmp(r->first.data, k.data, r->columns * sizeof(int64_t)) == 0; // the only other type of keys
  return NULL;
}

static OrtStatus *copy_map(ps_runner *r, OrtValue *sequence, size_t row, float *values) {
  OrtValue *part[2] = {NULL, NULL};
  ps_output scores;
  bool same = false;
  OrtStatus *status = map_part(r, sequence, row, 0, &part[0]);
  if (!status) status = same_keys(r, part[0], &same);
  if (!status && !same) status = r->api->CreateStatus(ORT_FAIL, "its maps do not all have the same keys");
  if (!status) status = map_part(r, sequence, row, 1, &part[1]);
  if (!status) status = ps_describe_output(r->api, part[1], &scores);
  if (!status) memcpy(values, scores.data, r->columns * sizeof *values);
  ps_release_values(r->api, part, 2);
  return status;
}

OrtStatus *ps_maps(ps_runner *r, size_t i, float *values) {
  for (size_t row = 0; row < r->rows; row++)
    TRY(copy_map(r, r->output_values[i], row, values + row * r->columns));
  return NULL;
}
