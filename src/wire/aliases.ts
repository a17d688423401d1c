import type { AliasAction } from '../core/aliases.js'
import { invalid } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { arrayAt, objectAt, textAt, type WireObject } from './fields.js'

/** The engine checks the names themselves. */
export function aliasActionsOf(body: WireObject): AliasAction[] {
  const actions = arrayAt(body.actions, 'actions')
  if (actions.length > LIMITS.aliasActions) {
    throw invalid('actions', `expected at most ${LIMITS.aliasActions} actions`, actions.length)
  }
  return actions.map((action, i) => actionOf(objectAt(action, `actions[${i}]`), `actions[${i}]`))
}

const KINDS: Readonly<Record<string, (names: WireObject, field: string) => AliasAction>> = {
  create_alias: (names, field) => ({
    createAlias: {
      aliasName: textAt(names.alias_name, `${field}.alias_name`),
      collectionName: textAt(names.collection_name, `${field}.collection_name`),
    },
  }),
  delete_alias: (names, field) => ({ deleteAlias: { aliasName: textAt(names.alias_name, `${field}.alias_name`) } }),
  rename_alias: (names, field) => ({
    renameAlias: {
      oldAliasName: textAt(names.old_alias_name, `${field}.old_alias_name`),
      newAliasName: textAt(names.new_alias_name, `${field}.new_alias_name`),
    },
  }),
}

function actionOf(action: WireObject, field: string): AliasAction {
  const [kind, ...more] = Object.keys(action)
  const read = kind !== undefined && Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined
  if (!read || more.length > 0) {
    throw invalid(field, `expected exactly one of ${Object.keys(KINDS).join(', ')}`, kind ?? null)
  }
  return read(objectAt(action[kind as string], `${field}.${kind}`), `${field}.${kind}`)
}
