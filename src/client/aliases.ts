/** Converts aliases to and from the service's form. */
import type { AliasAction, AliasDescription } from '../core/aliases.js'

/** Invalid actions are sent unchanged: the service reports the error. */
export function aliasActionsBody(actions: readonly AliasAction[]): object {
  return { actions: Array.isArray(actions) ? actions.map(actionBody) : actions }
}

function actionBody(action: AliasAction): unknown {
  if (action === null || typeof action !== 'object') return action
  const body: Record<string, unknown> = {}
  if ('createAlias' in action) {
    const { aliasName, collectionName } = action.createAlias ?? {}
    body.create_alias = { alias_name: aliasName, collection_name: collectionName }
  }
  if ('deleteAlias' in action) body.delete_alias = { alias_name: action.deleteAlias?.aliasName }
  if ('renameAlias' in action) {
    const { oldAliasName, newAliasName } = action.renameAlias ?? {}
    body.rename_alias = { old_alias_name: oldAliasName, new_alias_name: newAliasName }
  }
  return body
}

export function aliasesOf(result: unknown): AliasDescription[] {
  const { aliases } = result as { aliases: { alias_name: string; collection_name: string }[] }
  return aliases.map(({ alias_name: aliasName, collection_name: collectionName }) => ({ aliasName, collectionName }))
}
