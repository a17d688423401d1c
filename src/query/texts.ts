/** Texts of queries, which become sparse vectors before the query runs. */
import { Mutex } from '../core/mutex.js'
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

/** Texts that wait to be taken apart, one after the other. */
class TextQueue {
  readonly #mutex = new Mutex()
  /** One clock for all waiting texts: a batch has many short ones. */
  #turns = new Turns()

  async embed(texts: readonly TextQuery[], signal: AbortSignal | undefined): Promise<void> {
    if (this.#mutex.pending === 0) this.#turns = new Turns()
    await this.#mutex.run(() =>
      this.#turns.each(texts.length, (at) => {
        signal?.throwIfAborted()
        void (texts[at] as TextQuery).vector
      }),
    )
  }
}

const queue = new TextQueue()

/** Splits the texts, in turns of the event loop. */
export async function embedTexts(texts: readonly TextQuery[], signal?: AbortSignal): Promise<void> {
  if (texts.length > 0) await queue.embed(texts, signal)
}
