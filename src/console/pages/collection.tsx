import { useState } from 'preact/hooks'
import { ErrorLine, Section, Status, Tile, Waiting } from '../parts/basics'
import { Confirm } from '../parts/confirm'
import { May } from '../parts/may'
import { linkTo } from '../parts/place'
import { bytes, percent, whole } from '../parts/words'
import { sizeOf } from '../service/memory-parts'
import { type Asked, useAsked } from '../service/polled'
import { ask } from '../service/session'
import type { CollectionInfo } from '../service/types'
import { Aliases } from './collection/aliases'
import { Configuration } from './collection/configuration'
import { Indexing } from './collection/indexing'
import { MemoryByPart } from './collection/memory-by-part'
import { PayloadSchema } from './collection/payload-schema'
import { SnapshotList } from './collection/snapshot-list'
import { Vectors } from './collection/vectors'

const LOOK_EVERY_MS = 4_000

export function CollectionPage({ name }: { name: string }) {
  const path = `/collections/${encodeURIComponent(name)}`
  const info = useAsked((signal) => ask<CollectionInfo>('GET', path, undefined, signal), [path], LOOK_EVERY_MS)
  const [isDeleting, setIsDeleting] = useState(false)
  if (!info.value) return <Waiting of={info} />
  const found = info as Asked<CollectionInfo> & { value: CollectionInfo }
  return (
    <>
      <h1>
        {name} <Status status={found.value.status} />
      </h1>
      <ErrorLine error={info.error} />
      <Facts info={found.value} />
      <MemoryByPart memory={found.value.memory} />
      <Indexing path={path} info={found.value} />
      <Vectors info={found.value} />
      <PayloadSchema name={name} path={path} info={found.value} onChange={info.again} />
      <Configuration name={name} path={path} info={found.value} onChange={info.again} />
      <Aliases name={name} />
      <SnapshotList path={path} name={name} />
      <May change="all" of={name}>
        <Section title="Delete">
          <button type="button" class="danger" onClick={() => setIsDeleting(true)}>
            Delete this collection …
          </button>
        </Section>
      </May>
      {isDeleting && (
        <Confirm
          title="Delete the collection"
          text={`All ${whole(found.value.points_count)} points, their payloads and the snapshots of ${name} are deleted. This cannot be undone.`}
          name={name}
          action="Delete it"
          run={async () => {
            await ask('DELETE', path)
          }}
          onDone={(isRun) => {
            setIsDeleting(false)
            if (isRun) location.hash = linkTo([])
          }}
        />
      )}
    </>
  )
}

function Facts({ info }: { info: CollectionInfo }) {
  const { points_count, vectors_count, indexed_vectors_count, segments_count, log_bytes, tail_bytes, memory } = info
  const { optimizer_status } = info
  const size = sizeOf(memory)
  return (
    <>
      {optimizer_status !== 'ok' && <ErrorLine error={new Error(optimizer_status.error)} />}
      {info.warnings?.map(({ message }) => (
        <p key={message} class="warnings">
          {message}
        </p>
      ))}
      <div class="tiles">
        <Tile name="Points" value={whole(points_count)} beside={`${whole(vectors_count)} vectors`} />
        <Tile
          name="Indexed"
          value={vectors_count ? percent(indexed_vectors_count / vectors_count) : '–'}
          beside={segments_count === 1 ? '1 segment' : `${whole(segments_count)} segments`}
        />
        <Tile
          name="In memory"
          value={bytes(memory.total.resident_bytes)}
          beside={
            memory.total.resident_bytes < size ? `of ${bytes(size)} in all` : `all ${bytes(size)}, in whole pages`
          }
        />
        <Tile name="Log" value={bytes(log_bytes)} beside={`tail ${bytes(tail_bytes)}`} />
      </div>
    </>
  )
}
