import type { StoredSparseVector } from '../core/point.js'
import type { EmbeddedTexts } from './addon.js'
import { addon, rethrow, toVicinalError } from './load.js'

/** Parameters of BM25: saturation of word counts, normalisation by length, and the average length in tokens. */
export interface TextWeights {
  k: number
  b: number
  averageLength: number
}

const encoder = new TextEncoder()

/** Turns a text into the numbers of its tokens, each with weight 1. Takes some microseconds a word, on this thread. */
export function embedQueryText(options: Uint8Array, text: string): StoredSparseVector {
  try {
    const bytes = encoder.encode(text)
    const offsets = Uint32Array.of(0, bytes.length)
    return vectorsOf(addon().embedTextsSync(options, bytes, offsets, null))[0] as StoredSparseVector
  } catch (error) {
    throw toVicinalError(error)
  }
}

/** Turns documents into the numbers of their tokens with weights, on the kernel's pool. */
export async function embedDocumentTexts(
  options: Uint8Array,
  texts: readonly string[],
  { k, b, averageLength }: TextWeights,
): Promise<StoredSparseVector[]> {
  const offsets = new Uint32Array(texts.length + 1)
  for (const [i, text] of texts.entries()) offsets[i + 1] = (offsets[i] as number) + Buffer.byteLength(text)
  const bytes = new Uint8Array(offsets[texts.length] as number)
  for (const [i, text] of texts.entries()) encoder.encodeInto(text, bytes.subarray(offsets[i]))
  const weights = Float64Array.of(k, b, averageLength)
  return vectorsOf(await addon().embedTexts(options, bytes, offsets, weights).catch(rethrow))
}

function vectorsOf({ offsets, indices, values }: EmbeddedTexts): StoredSparseVector[] {
  return Array.from(offsets.subarray(1), (end, i) => {
    const from = offsets[i] as number
    return { indices: indices.slice(from, end), values: values.slice(from, end) }
  })
}
