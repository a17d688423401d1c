/** Aliases and their changes, declared once. */
import Type, { type Static } from 'typebox'
import { LIMITS } from './limits.js'
import { oneOf, text } from './vocabulary/declare.js'

/** A second name of a collection. Every method that takes a collection's name also takes an alias. */
export interface AliasDescription {
  /** The alias. */
  aliasName: string
  /** The collection that it leads to. */
  collectionName: string
}

const aliasName = text('The alias.')
export const AliasAction = oneOf(
  {
    createAlias: Type.Object(
      { aliasName, collectionName: text('The collection that it leads to.') },
      { $id: 'CreateAlias', description: 'Makes an alias, or leads an existing one to another collection.' },
    ),
    deleteAlias: Type.Object({ aliasName }, { $id: 'DeleteAlias', description: 'An unknown alias is no error.' }),
    renameAlias: Type.Object(
      { oldAliasName: text('The alias as it is.'), newAliasName: text('Its name from now on.') },
      { $id: 'RenameAlias', description: 'Gives an alias another name.' },
    ),
  },
  { $id: 'AliasOperations', description: 'One change of aliases.' },
)
/** One change of aliases. A list of changes becomes visible as a whole or not at all. */
export type AliasAction = Static<typeof AliasAction>

export const AliasChanges = Type.Object(
  {
    actions: Type.Array(AliasAction, {
      description: 'Done in order, all of them or none.',
      maxItems: LIMITS.aliasActions,
    }),
  },
  { $id: 'ChangeAliasesOperation', description: 'Changes of aliases.' },
)
