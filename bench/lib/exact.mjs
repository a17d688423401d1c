// Exact neighbours by brute force in plain JavaScript, in double precision: slower than any index measured here,
// and independent of all of them.

/** Rows scanned before the next query's turn; 2,000 × 100 floats stay in the second-level cache. */
const BLOCK_BYTES = 800_000

export function exactNeighbours(base, queries, dim, distance, k) {
  const rows = base.length / dim
  const count = queries.length / dim
  const offsets = rowOffsets(base, dim, distance)
  const scales = rowScales(base, dim, distance)
  const best = Array.from({ length: count }, () => ({
    keys: new Float64Array(k).fill(Infinity),
    ids: new Int32Array(k),
  }))
  const block = Math.max(1, Math.floor(BLOCK_BYTES / (dim * 4)))
  for (let from = 0; from < rows; from += block) {
    const to = Math.min(rows, from + block)
    for (let q = 0; q < count; q++) scan(base, from, to, queries, q, dim, offsets, scales, best[q])
  }
  const truth = new Int32Array(count * k)
  best.forEach(({ ids }, q) => {
    truth.set(ids, q * k)
  })
  return truth
}

/** key = offset(row) − scale(row) × dot(row, query) orders rows as the distance to that query does. */
function rowOffsets(base, dim, distance) {
  return perRow(base, dim, (square) => (distance === 'Euclid' ? square : 0))
}

function rowScales(base, dim, distance) {
  return perRow(base, dim, (square) => {
    if (distance === 'Euclid') return 2
    return distance === 'Cosine' && square > 0 ? 1 / Math.sqrt(square) : 1
  })
}

function perRow(base, dim, value) {
  const out = new Float64Array(base.length / dim)
  for (let row = 0; row < out.length; row++) {
    let square = 0
    for (let i = row * dim; i < (row + 1) * dim; i++) square += base[i] * base[i]
    out[row] = value(square)
  }
  return out
}

function scan(base, from, to, queries, q, dim, offsets, scales, best) {
  const { keys, ids } = best
  const last = keys.length - 1
  const query = queries.subarray(q * dim, (q + 1) * dim)
  const even = dim - (dim % 4)
  for (let row = from; row < to; row++) {
    let at = row * dim
    let [a, b, c, d] = [0, 0, 0, 0]
    let i = 0
    for (; i < even; i += 4, at += 4) {
      a += query[i] * base[at]
      b += query[i + 1] * base[at + 1]
      c += query[i + 2] * base[at + 2]
      d += query[i + 3] * base[at + 3]
    }
    for (; i < dim; i++, at++) a += query[i] * base[at]
    const key = offsets[row] - scales[row] * (a + b + c + d)
    if (key < keys[last]) insert(keys, ids, key, row)
  }
}

function insert(keys, ids, key, row) {
  let at = keys.length - 1
  for (; at > 0 && keys[at - 1] > key; at--) {
    keys[at] = keys[at - 1]
    ids[at] = ids[at - 1]
  }
  keys[at] = key
  ids[at] = row
}
