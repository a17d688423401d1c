/** A second name of a collection. Every method that takes a collection's name also takes an alias. */
export interface AliasDescription {
  /** The alias. */
  aliasName: string
  /** The collection that it leads to. */
  collectionName: string
}

/** One change of aliases. A list of changes becomes visible as a whole or not at all. */
export type AliasAction =
  /** Creates the alias. An existing alias of the name is redirected. */
  | { createAlias: { aliasName: string; collectionName: string } }
  /** Deletes the alias. An unknown alias is no error. */
  | { deleteAlias: { aliasName: string } }
  | { renameAlias: { oldAliasName: string; newAliasName: string } }
