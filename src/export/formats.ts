/** An export as bytes, in pieces: nothing but a page of points, and a row group of Parquet, is held in memory. */

import { MetadataVersion, type Schema } from 'apache-arrow'
import { FileBlock, Footer } from 'apache-arrow/ipc/metadata/file'
import { jsonText } from '../wire/json-encoder.js'
import type { ExportedPoint, Layout } from './layout.js'
import { schemaOf, streamOf } from './point-table.js'

export const EXPORT_FORMATS = ['parquet', 'arrow', 'arrow-stream', 'jsonl'] as const
export type ExportFormat = (typeof EXPORT_FORMATS)[number]

type Pages = AsyncIterable<readonly ExportedPoint[]>

export function encoded(format: ExportFormat, pages: Pages, layout: Layout): AsyncGenerator<Uint8Array> {
  switch (format) {
    case 'jsonl':
      return jsonLines(pages)
    case 'arrow':
      return arrowFile(pages, layout)
    case 'arrow-stream':
      return arrowStream(pages, layout)
    case 'parquet':
      return parquet(pages, layout)
  }
}

async function* jsonLines(pages: Pages): AsyncGenerator<Uint8Array> {
  for await (const points of pages) {
    const lines = points.map(({ id, vector = {}, payload }) => {
      const point = { id, vector, ...(payload ? { payload } : {}) }
      return `${jsonText(point)}\n`
    })
    yield Buffer.from(lines.join(''))
  }
}

const PREFIX_BYTES = 8
const END_MARK = Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])
const MAGIC = Buffer.from('ARROW1')
/** The magic, padded. */
const FILE_HEAD = Buffer.concat([MAGIC, Buffer.alloc(2)])

/** The schema and each batch as messages; a page of a stream is its schema, one batch and the end mark. */
async function* messages(pages: Pages, layout: Layout, schema: Schema): AsyncGenerator<Buffer> {
  yield messagesOf(streamOf([], layout, schema)).schema
  for await (const points of pages) yield messagesOf(streamOf(points, layout, schema)).batch
}

function messagesOf(stream: Uint8Array): { schema: Buffer; batch: Buffer } {
  const bytes = Buffer.from(stream.buffer, stream.byteOffset, stream.byteLength)
  const end = PREFIX_BYTES + bytes.readUInt32LE(4)
  return { schema: bytes.subarray(0, end), batch: bytes.subarray(end, -END_MARK.length) }
}

async function* arrowStream(pages: Pages, layout: Layout): AsyncGenerator<Uint8Array> {
  yield* messages(pages, layout, schemaOf(layout))
  yield END_MARK
}

/** A stream between its magic and a footer, which says where each batch is. */
async function* arrowFile(pages: Pages, layout: Layout): AsyncGenerator<Uint8Array> {
  const schema = schemaOf(layout)
  const blocks: FileBlock[] = []
  yield FILE_HEAD
  let at = FILE_HEAD.length
  let isSchema = true
  for await (const message of messages(pages, layout, schema)) {
    const metadataBytes = PREFIX_BYTES + message.readUInt32LE(4)
    if (!isSchema) blocks.push(new FileBlock(metadataBytes, message.length - metadataBytes, at))
    isSchema = false
    at += message.length
    yield message
  }
  const footer = Footer.encode(new Footer(schema, MetadataVersion.V5, blocks, []))
  const length = Buffer.alloc(4)
  length.writeInt32LE(footer.length)
  yield Buffer.concat([END_MARK, footer, length, MAGIC])
}

/** Numbers of vectors in one row group, which the writer holds. */
const GROUP_BYTES = 64 * 1024 * 1024
const FLOAT_BYTES = 4
/** Bytes of id and payload, for the size of row groups alone. */
const OTHER_BYTES = 256

async function* parquet(pages: Pages, layout: Layout): AsyncGenerator<Uint8Array> {
  const { Compression, Table, transformParquetStream, WriterPropertiesBuilder } = await import('parquet-wasm')
  const schema = schemaOf(layout)
  const rowBytes = layout.vectors.reduce((sum, { size }) => sum + size * FLOAT_BYTES, OTHER_BYTES)
  const properties = new WriterPropertiesBuilder()
    .setCompression(Compression.SNAPPY)
    .setMaxRowGroupSize(Math.max(1, Math.floor(GROUP_BYTES / rowBytes)))
    .build()
  const batches = (async function* () {
    let isEmpty = true
    for await (const points of pages) {
      isEmpty = false
      yield* Table.fromIPCStream(streamOf(points, layout, schema)).recordBatches()
    }
    if (isEmpty) yield* Table.fromIPCStream(streamOf([], layout, schema)).recordBatches()
  })()
  const failure: { error?: unknown } = {}
  const stream = await transformParquetStream(readableOf(batches, failure), properties)
  for await (const piece of stream as unknown as AsyncIterable<Uint8Array>) yield piece
  if ('error' in failure) throw failure.error
}

/** The writer ends a stream that fails as if it were whole, so its error is kept. */
function readableOf(batches: AsyncGenerator<unknown>, failure: { error?: unknown }): ReadableStream {
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { done, value } = await batches.next()
          if (done) controller.close()
          else controller.enqueue(value)
        } catch (error) {
          failure.error = error
          controller.error(error)
        }
      },
    },
    { highWaterMark: 1 },
  )
}
