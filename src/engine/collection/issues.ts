import type { ErrorCode, VicinalError } from '../../core/errors.js'
import type { CollectionIssue } from '../../core/issues.js'

interface Trouble {
  readonly code: ErrorCode
  readonly message: string
}
type Told = Omit<CollectionIssue, 'collection'>

/**
 * Problems of background work of one collection, keyed by their subject. A retry that fails alike is not reported again.
 */
export class Issues {
  readonly #current = new Map<string, Trouble>()
  #listener: (issue: Told) => void = () => {}

  /** null: the problem is over. */
  set(about: string, trouble: Trouble | null): void {
    const before = this.#current.get(about)
    if (trouble) this.#current.set(about, trouble)
    else this.#current.delete(about)
    // Only the code is compared, because the message may name another file each time.
    if (before?.code === trouble?.code) return
    if (trouble) this.#listener(told(about, trouble, false))
    else if (before) this.#listener(told(about, before, true))
  }

  get messages(): string[] {
    return [...this.#current.values()].map(({ message }) => message)
  }

  /** Tells the present problems at once, and later ones as they come. */
  watch(listener: (issue: Told) => void): void {
    this.#listener = listener
    for (const [about, trouble] of this.#current) listener(told(about, trouble, false))
  }
}

function told(about: string, { code, message }: Trouble, isOver: boolean): Told {
  return { about, code, reason: message, isOver }
}

/** The problem of a collection that cannot be opened; `isOver` once another has replaced it. */
export function ofOpening(
  collection: string | null,
  { code, message: reason }: VicinalError,
  isOver: boolean,
): CollectionIssue {
  return { collection, about: 'opening', code, reason, isOver }
}
