import { describe } from 'vitest'
import { fileStore, killedSnapshotOn, snapshotsOn } from './snapshots.contract.js'

describe('snapshots on a file store', () => snapshotsOn(fileStore))
describe('a snapshot that is not finished', () => killedSnapshotOn(fileStore))
