import type { AliasAction, AliasDescription } from '../../core/aliases.js'
import type { VicinalError } from '../../core/errors.js'
import type { Aliases } from '../../storage/alias-file.js'
import { changeAliases } from './alias-changes.js'
import { catalogChanges } from './catalog-changes.js'

/** The aliases of an open database. A change becomes visible as a whole, once it is on stable storage. */
export class AliasBook {
  readonly #save: (aliases: Aliases) => Promise<void>
  #current: Aliases = new Map()
  #trouble: VicinalError | null = null

  constructor(save: (aliases: Aliases) => Promise<void>) {
    this.#save = save
  }

  get current(): Aliases {
    return this.#current
  }

  /** Takes the aliases as the store has them: at the open, and in a reader whenever its writer changed them. */
  set(aliases: Aliases): void {
    this.#current = aliases
    catalogChanges.note()
  }

  /** The aliases cannot be read. Until they can, none is returned or changed, so that none is lost. */
  setTrouble(error: VicinalError): void {
    this.#trouble = error
  }

  has(alias: string): boolean {
    return this.#current.has(alias)
  }

  /** The name of the collection that the alias leads to. A name that is no alias is returned as it is. */
  resolve(name: string): string {
    return this.#current.get(name) ?? name
  }

  of(collection: string): string[] {
    return [...this.#current].flatMap(([alias, to]) => (to === collection ? [alias] : [])).sort()
  }

  list(): AliasDescription[] {
    if (this.#trouble) throw this.#trouble
    const named = [...this.#current].map(([aliasName, collectionName]) => ({ aliasName, collectionName }))
    return named.sort((a, b) => (a.aliasName < b.aliasName ? -1 : 1))
  }

  async change(actions: readonly AliasAction[], isCollection: (name: string) => boolean): Promise<void> {
    if (this.#trouble) throw this.#trouble
    await this.#replace(changeAliases(this.#current, actions, isCollection))
  }

  /** Removes the aliases of a deleted collection. */
  async drop(collection: string): Promise<void> {
    const kept = new Map([...this.#current].filter(([, to]) => to !== collection))
    if (kept.size < this.#current.size) await this.#replace(kept)
  }

  async #replace(aliases: Aliases): Promise<void> {
    await this.#save(aliases)
    this.set(aliases)
  }
}
