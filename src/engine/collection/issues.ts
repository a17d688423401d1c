import type { ErrorCode, VicinalError } from '../../core/errors.js'
import type { CollectionIssue } from '../../core/issues.js'

interface Trouble {
  readonly code: ErrorCode
  readonly message: string
}
type Told = Omit<CollectionIssue, 'collection'>

/** What goes wrong behind reads and writes of one collection, by what it concerns. Retries of the same are told once. */
export class Issues {
  readonly #current = new Map<string, Trouble>()
  #listener: (issue: Told) => void = () => {}

  /** null: it goes right again. */
  set(about: string, trouble: Trouble | null): void {
    const before = this.#current.get(about)
    if (trouble) this.#current.set(about, trouble)
    else this.#current.delete(about)
    // The message may name another file each time.
    if (before?.code === trouble?.code) return
    if (trouble) this.#listener(told(about, trouble, false))
    else if (before) this.#listener(told(about, before, true))
  }

  get messages(): string[] {
    return [...this.#current.values()].map(({ message }) => message)
  }

  /** Tells what there is at once, and what comes. */
  watch(listener: (issue: Told) => void): void {
    this.#listener = listener
    for (const [about, trouble] of this.#current) listener(told(about, trouble, false))
  }
}

function told(about: string, { code, message }: Trouble, isOver: boolean): Told {
  return { about, code, reason: message, isOver }
}

/** Of a collection that cannot be opened, or has been replaced by one that can. */
export function ofOpening(
  collection: string | null,
  { code, message: reason }: VicinalError,
  isOver: boolean,
): CollectionIssue {
  return { collection, about: 'opening', code, reason, isOver }
}
