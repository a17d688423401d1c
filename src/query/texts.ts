/** Texts of queries, which become sparse vectors before the query runs. */
import type { Document, StoredSparseVector } from '../core/point.js'
import { checkQueryDocument, embedQuery, queryText } from '../inference/bm25.js'
import { Turns } from './turns.js'

/** The text of one query. Its vector is made once, even if the query runs several times. */
export class TextQuery {
  readonly #document: Document
  readonly #field: string
  #vector: StoredSparseVector | null = null

  constructor(document: Document, field: string) {
    checkQueryDocument(document, field)
    this.#document = document
    this.#field = field
  }

  /** Length in characters. */
  get length(): number {
    return this.#document.text.length
  }

  /** The text and its options, for the search to split; null if its vector exists already. */
  get unmade(): { text: string; textOptions: Uint8Array } | null {
    return this.#vector ? null : queryText(this.#document, this.#field)
  }

  get vector(): StoredSparseVector {
    this.#vector ??= embedQuery(this.#document, this.#field)
    return this.#vector
  }
}

/** One clock for all queries that wait for their texts, since a batch may have many short ones. */
let turns = new Turns()
let waiting = 0
let last: Promise<void> = Promise.resolve()

/** Splits the texts, in turns of the event loop. */
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
