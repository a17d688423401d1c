import type { RowBlock } from '../native/addon.js'

/** Bytes of payloads and vectors read row by row, for an answer or for scoring it. */
export class BytesRead {
  payload = 0
  vectors = 0

  static of(block: RowBlock): BytesRead {
    const read = new BytesRead()
    read.add(block)
    return read
  }

  add({ payloads, vectors }: RowBlock): void {
    this.payload += payloads?.bytes.byteLength ?? 0
    for (const { data, sparse } of vectors) this.vectors += data.byteLength + (sparse?.indices.byteLength ?? 0)
  }
}
