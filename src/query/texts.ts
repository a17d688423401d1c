/** Texts of queries, which become sparse vectors before their query runs. */
import type { Document, StoredSparseVector } from '../core/point.js'
import { checkQueryDocument, embedQuery, queryText } from '../inference/bm25.js'
import { Turns } from './turns.js'

/** Made once, however often its query is run. */
export class TextQuery {
  readonly #document: Document
  readonly #field: string
  #vector: StoredSparseVector | null = null

  constructor(document: Document, field: string) {
    checkQueryDocument(document, field)
    this.#document = document
    this.#field = field
  }

  /** In characters. */
  get length(): number {
    return this.#document.text.length
  }

  /** For the search to make its vector of; null where there is one already. */
  get unmade(): { text: string; textOptions: Uint8Array } | null {
    return this.#vector ? null : queryText(this.#document, this.#field)
  }

  get vector(): StoredSparseVector {
    this.#vector ??= embedQuery(this.#document, this.#field)
    return this.#vector
  }
}

/** One clock for all queries that wait for their texts: those of a batch are many short ones. */
let turns = new Turns()
let waiting = 0
let last: Promise<void> = Promise.resolve()

/** Takes the texts apart, giving others their turns of the event loop. */
export async function embedTexts(texts: readonly TextQuery[], signal?: AbortSignal): Promise<void> {
  if (texts.length === 0) return
  if (waiting === 0) turns = new Turns()
  waiting += 1
  const before = last
  const work = (async () => {
    await before
    try {
      await turns.each(texts.length, (at) => {
        signal?.throwIfAborted()
        void (texts[at] as TextQuery).vector
      })
    } finally {
      waiting -= 1
    }
  })()
  last = work.catch(() => undefined)
  await work
}
