import { notFound, type VicinalError } from '../../core/errors.js'
import type { AliasBook } from '../catalogue/alias-book.js'
import { catalogChanges } from '../catalogue/catalog-changes.js'
import { cannotBeServed } from '../catalogue/catalog-errors.js'
import type { CollectionEngine } from '../collection/collection-engine.js'
import type { StoredCollection } from '../collection/collection-home.js'
import { CollectionSlot, type SlotHost } from '../collection/collection-slot.js'

/** The collections of an open database by their names, and errors of collections or aliases with unreadable names. */
export class CollectionSlots {
  readonly #host: SlotHost
  readonly #slots = new Map<string, CollectionSlot>()
  /** Errors of collections or aliases whose names cannot be read. */
  readonly #unread: VicinalError[] = []

  constructor(host: SlotHost) {
    this.#host = host
  }

  /** With `engine` the collection is open already. */
  add(stored: StoredCollection, engine?: CollectionEngine): CollectionSlot {
    const slot = new CollectionSlot(stored, this.#host, engine)
    this.#slots.set(slot.name, slot)
    catalogChanges.note()
    return slot
  }

  /** Takes a collection of a listing in, unless it is there. Another one of its name is gone. */
  place(stored: StoredCollection): void {
    const present = this.#slots.get(stored.name)
    if (present?.uuid === stored.uuid) return
    this.add(stored)
    present?.end({ discard: true }).catch(() => undefined)
  }

  /** Every collection opens anew with its next use. Collections that are not in `present` are gone. */
  async reset(present: ReadonlySet<string>): Promise<void> {
    const resets = this.all().map(async (slot) => {
      if (present.has(slot.uuid)) return await slot.reset()
      this.take(slot.name)
      await slot.end({ discard: true }).catch(() => undefined)
    })
    await Promise.all(resets)
  }

  take(name: string): void {
    this.#slots.delete(name)
    catalogChanges.note()
  }

  addUnread(error: VicinalError): void {
    this.#unread.push(error)
  }

  /** Of the collections of these names and aliases that are there; without names, of all. */
  uuidsOf(names: readonly string[] | undefined, aliases: Pick<AliasBook, 'resolve'>): string[] {
    const resolved = names?.map((name) => aliases.resolve(name)) ?? [...this.#slots.keys()]
    return resolved.flatMap((name) => this.#slots.get(name)?.uuid ?? [])
  }

  get(name: string): CollectionSlot | undefined {
    return this.#slots.get(name)
  }

  /** The collection of this name; `asked` is the name or alias that a caller used, and `missing` the error without one. */
  find(
    name: string,
    asked: string,
    missing = (asked: string): VicinalError => notFound('Collection', asked),
  ): CollectionSlot {
    const slot = this.#slots.get(name)
    if (slot) {
      slot.checkServed()
      return slot
    }
    this.checkRead(name)
    throw missing(asked)
  }

  /** Throws if an unreadable collection or alias might have the name. */
  checkRead(name: string): void {
    const [unread] = this.#unread
    if (unread) throw cannotBeServed(name, unread)
  }

  /** Throws if a new collection might get the name of one whose undamaged manifest could not be read now. */
  checkFree(name: string): void {
    const unread = this.#unread.find(({ code, details }) => code !== 'CORRUPT' && details.errno !== 'ENOENT')
    if (unread) throw cannotBeServed(name, unread)
  }

  get count(): number {
    return this.#slots.size
  }

  /** In the order of their names. */
  all(): CollectionSlot[] {
    return [...this.#slots.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }
}
