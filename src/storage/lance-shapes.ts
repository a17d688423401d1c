import { many, one, type Shape } from './protobuf-message.js'

/**
 * The fields that messages of Lance's format have in our tables, by the numbers of `table.proto`, `file.proto` and
 * `transaction.proto`. They are the fields that Lance 8 writes when it creates, appends, merges, deletes, adds columns
 * and compacts.
 *
 * Fields that lead Lance to another file, store or branch, or make it act by itself, are left out on purpose. These are
 * base paths and their ids, external row ids, overlays, indexes, configuration and tags. Metadata of fields is left out
 * too, since it may turn a column into references to other stores.
 */

const FIELD: Shape = {
  1: one('type', 'opaque'),
  2: one('name', 'text'),
  3: one('id', 'opaque'),
  4: one('parentId', 'opaque'),
  5: one('logicalType', 'text'),
  6: one('nullable', 'opaque'),
  7: one('encoding', 'opaque'),
}

const DATA_FILE: Shape = {
  1: one('path', 'text'),
  2: many('fields', 'opaque'),
  3: many('columnIndices', 'opaque'),
  4: one('majorVersion', 'opaque'),
  5: one('minorVersion', 'opaque'),
  6: one('bytes', 'whole'),
}

const DELETION_FILE: Shape = {
  1: one('type', 'whole'),
  2: one('readVersion', 'whole'),
  3: one('id', 'whole'),
  4: one('deletedRows', 'whole'),
}

const FRAGMENT: Shape = {
  1: one('id', 'whole'),
  2: many('files', DATA_FILE),
  3: one('deletionFile', DELETION_FILE),
  4: one('physicalRows', 'whole'),
}

const LIBRARY: Shape = {
  1: one('library', 'opaque'),
  2: one('version', 'opaque'),
  3: one('prerelease', 'opaque'),
  4: one('buildMetadata', 'opaque'),
}

/** One version of a table. */
export const MANIFEST: Shape = {
  1: many('fields', FIELD),
  2: many('fragments', FRAGMENT),
  3: one('version', 'whole'),
  7: one('timestamp', 'opaque'),
  9: one('readerFlags', 'whole'),
  10: one('writerFlags', 'whole'),
  11: one('maxFragmentId', 'opaque'),
  12: one('transactionFile', 'text'),
  13: one('writer', LIBRARY),
  15: one('dataFormat', { 1: one('fileFormat', 'text'), 2: one('version', 'text') }),
  21: one('transactionAt', 'whole'),
}

const FRAGMENTS: Shape = { 1: many('fragments', FRAGMENT) }
const REWRITE_GROUP: Shape = { 1: many('old', FRAGMENT), 2: many('new', FRAGMENT) }

/** The operation that made a version from the one before. */
export const TRANSACTION: Shape = {
  1: one('readVersion', 'opaque'),
  2: one('uuid', 'opaque'),
  100: one('append', FRAGMENTS),
  101: one('delete', { 1: many('updated', FRAGMENT), 2: many('deletedIds', 'opaque'), 3: one('predicate', 'opaque') }),
  102: one('overwrite', { ...FRAGMENTS, 2: many('schema', FIELD) }),
  104: one('rewrite', { 3: many('groups', REWRITE_GROUP) }),
  105: one('merge', { ...FRAGMENTS, 2: many('schema', FIELD) }),
  107: one('reserveFragments', { 1: one('count', 'opaque') }),
  108: one('update', {
    1: many('removedIds', 'opaque'),
    2: many('updated', FRAGMENT),
    3: many('new', FRAGMENT),
    4: many('fieldsModified', 'opaque'),
    6: many('preservingFields', 'opaque'),
    7: one('mode', 'opaque'),
  }),
}
