// Points as the bytes of an Arrow stream, as a client in JavaScript makes them.
import {
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int32,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  Utf8,
  vectorFromArray,
} from 'apache-arrow'

/**
 * Each frame is a record batch. It has `ids` (Int32Array), `vectors` (Float32Array, end to end), and optional columns of the
 * payload: `texts` (arrays of texts by name) and `numbers` (Float64Array by name). Frames have the same columns.
 */
export async function arrowChunks(dim, frames) {
  const writer = new RecordBatchStreamWriter()
  for (const frame of frames) writer.write(recordBatch(dim, frame))
  writer.finish()
  const chunks = []
  for await (const chunk of writer) chunks.push(chunk)
  return chunks
}

function recordBatch(dim, { ids, vectors, texts = {}, numbers = {} }) {
  const list = new FixedSizeList(dim, new Field('item', new Float32(), false))
  const vector = makeData({
    type: list,
    length: ids.length,
    nullCount: 0,
    child: makeData({ type: new Float32(), data: vectors }),
  })
  const columns = {
    id: makeData({ type: new Int32(), data: ids }),
    vector,
    ...mapped(texts, (column) => vectorFromArray(column, new Utf8()).data[0]),
    ...mapped(numbers, (data) => makeData({ type: new Float64(), data })),
  }
  const fields = Object.entries(columns).map(([name, { type }]) => new Field(name, type, false))
  const children = Object.values(columns)
  return new RecordBatch(
    new Schema(fields),
    makeData({ type: new Struct(fields), length: ids.length, nullCount: 0, children }),
  )
}

const mapped = (columns, made) => Object.fromEntries(Object.entries(columns).map(([name, one]) => [name, made(one)]))
