import { randomUUID } from 'node:crypto'
import type { Manifest } from '../../storage/manifest.js'

export function newManifest(name: string, config: Manifest['config']): Manifest {
  return {
    uuid: randomUUID(),
    name,
    config,
    payloadIndexes: [],
    tableVersion: 0,
    flushedSeq: 0,
    checkpointSeq: 0,
    segments: [],
    cleanEnd: null,
    createdAt: new Date().toISOString(),
  }
}
