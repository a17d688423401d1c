/** The steps of an owner's work, each by the request of the store that makes it. */
import type { StoreRequest } from './faulty-proxy.js'

/** Whether a request is the step. A matcher sees every request of one node, in order. */
export type StepMatcher = (request: StoreRequest) => boolean

const isPut = (part: string) => (): StepMatcher => (request) => request.method === 'PUT' && request.path.includes(part)
const isRemoval = ({ method, path }: StoreRequest) =>
  method === 'DELETE' || (method === 'POST' && path.includes('delete'))

/** Numbers of Lance's operations in the message of a transaction. */
const OPERATIONS = { delete: 101, rewrite: 104, update: 108 } as const
const UUID_CHARS = 36

/** The commit of a transaction that does this. */
function isCommitOf(operation: keyof typeof OPERATIONS): () => StepMatcher {
  return () => {
    let isNext = false
    return ({ method, path, body }) => {
      if (method !== 'PUT' || !path.includes('/tables/')) return false
      if (path.includes('/_transactions/')) isNext = operationOf(body) === OPERATIONS[operation]
      return isNext && path.includes('/_versions/')
    }
  }
}

/** A transaction's message has its version, its uuid, and then the operation. */
function operationOf(message: Buffer): number {
  const uuid = message.indexOf(Buffer.from([0x12, UUID_CHARS]))
  const at = uuid + 2 + UUID_CHARS
  if (uuid < 0 || at + 2 > message.length) return 0
  const tag = ((message[at] as number) & 0x7f) | ((message[at + 1] as number) << 7)
  return tag >> 3
}

/** A step that is in one batch with another one is named with it. */
export const STEPS: Record<string, () => StepMatcher> = {
  append: isPut('/log/wal/'),
  'the rows of a flush': isPut('.lance/data/'),
  'the commit of a flush': isCommitOf('update'),
  'the purge of delete marks': isCommitOf('delete'),
  'the compaction of the table': isCommitOf('rewrite'),
  'a segment of a checkpoint or a compaction': isPut('/segments/'),
  'the manifest with what it trims':
    () =>
    ({ method, path, body }) =>
      method === 'PUT' && path.includes('/log/wal/') && body.includes('flushedSeq'),
  removal: () => isRemoval,
}
