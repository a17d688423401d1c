/** A second name of a collection. Every verb that takes a collection's name takes an alias as well. */
export interface AliasDescription {
  aliasName: string
  collectionName: string
}

/** One change of the aliases; a list of them is one change, seen as a whole or not at all. */
export type AliasAction =
  /** An alias that leads elsewhere leads here from now on. */
  | { createAlias: { aliasName: string; collectionName: string } }
  /** One that is not there is no error. */
  | { deleteAlias: { aliasName: string } }
  | { renameAlias: { oldAliasName: string; newAliasName: string } }
