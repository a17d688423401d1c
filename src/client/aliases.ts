/** Converts aliases to and from the service's form. */
import { type AliasAction, AliasChanges, type AliasDescription } from '../core/aliases.js'
import { tell } from '../core/vocabulary/teller.js'

/** Invalid actions are sent unchanged: the service reports the error. */
export function aliasActionsBody(actions: readonly AliasAction[]): unknown {
  return tell(AliasChanges, { actions })
}

export function aliasesOf(result: unknown): AliasDescription[] {
  const { aliases } = result as { aliases: { alias_name: string; collection_name: string }[] }
  return aliases.map(({ alias_name: aliasName, collection_name: collectionName }) => ({ aliasName, collectionName }))
}
