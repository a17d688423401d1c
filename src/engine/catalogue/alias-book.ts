import { type AliasAction, AliasChanges, type AliasDescription } from '../../core/aliases.js'
import { invalid, notFound, VicinalError } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import { checkCollectionName } from '../../core/names.js'
import { read } from '../../core/vocabulary/reader.js'
import type { Aliases } from '../../storage/folder-files.js'
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

/** The aliases after all actions in order. Throws at the first action that is refused; `aliases` never changes. */
export function changeAliases(
  aliases: Aliases,
  actions: readonly AliasAction[],
  isCollection: (name: string) => boolean,
): Map<string, string> {
  const known = read(AliasChanges, { actions }, 'library').actions
  const changed = new Map(aliases)
  for (const [i, action] of known.entries()) takeAction(changed, action, `actions[${i}]`, isCollection)
  if (changed.size > LIMITS.aliases) {
    throw invalid('actions', `expected at most ${LIMITS.aliases} aliases in all`, changed.size)
  }
  return changed
}

function takeAction(
  aliases: Map<string, string>,
  action: AliasAction,
  field: string,
  isCollection: (name: string) => boolean,
): void {
  const put = (alias: string, collection: string) => {
    if (isCollection(alias)) {
      throw new VicinalError('ALREADY_EXISTS', `Wrong input: Collection \`${alias}\` already exists!`, {
        details: { field, name: alias },
      })
    }
    aliases.set(alias, collection)
  }
  if ('createAlias' in action) {
    const { aliasName, collectionName } = action.createAlias
    checkCollectionName(aliasName, `${field}.create_alias.alias_name`)
    checkCollectionName(collectionName, `${field}.create_alias.collection_name`)
    if (!isCollection(collectionName)) throw notFound('Collection', collectionName)
    put(aliasName, collectionName)
  } else if ('deleteAlias' in action) {
    const { aliasName } = action.deleteAlias
    aliases.delete(checkCollectionName(aliasName, `${field}.delete_alias.alias_name`))
  } else {
    const { oldAliasName, newAliasName } = action.renameAlias
    checkCollectionName(oldAliasName, `${field}.rename_alias.old_alias_name`)
    checkCollectionName(newAliasName, `${field}.rename_alias.new_alias_name`)
    const collection = aliases.get(oldAliasName)
    if (collection === undefined) throw notFound('Alias', oldAliasName)
    aliases.delete(oldAliasName)
    put(newAliasName, collection)
  }
}
