import { useState } from 'preact/hooks'
import { ErrorLine, Section, Status, Table, Tile, Waiting } from '../parts/basics'
import { Confirm } from '../parts/confirm'
import { May } from '../parts/may'
import { linkTo } from '../parts/place'
import { bytes, percent, short, whole } from '../parts/words'
import { type Asked, useAsked } from '../service/polled'
import { ask } from '../service/session'
import { type CollectionInfo, vectorsOf } from '../service/types'
import { Aliases } from './collection/aliases'
import { Configuration } from './collection/configuration'
import { MemoryByPart } from './collection/memory-by-part'
import { PayloadSchema } from './collection/payload-schema'
import { SnapshotList } from './collection/snapshot-list'

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
          name="Memory"
          value={bytes(memory.total.resident_bytes)}
          beside={`of ${bytes(memory.total.bytes)} mapped`}
        />
        <Tile name="Log" value={bytes(log_bytes)} beside={`tail ${bytes(tail_bytes)}`} />
      </div>
    </>
  )
}

function Vectors({ info }: { info: CollectionInfo }) {
  const vectors = Object.entries(vectorsOf(info))
  const sparse = Object.keys(info.config.params.sparse_vectors ?? {})
  if (vectors.length + sparse.length === 0) return null
  return (
    <Section title="Vectors">
      <Table label="Vectors">
        <thead>
          <tr>
            <th>Name</th>
            <th>Dimensions</th>
            <th>Distance</th>
            <th>Recall asked</th>
            <th>Recall measured</th>
          </tr>
        </thead>
        <tbody>
          {vectors.map(([name, { size, distance }]) => (
            <tr key={name}>
              <th scope="row">{name || 'unnamed'}</th>
              <td>{whole(size)}</td>
              <td>{distance}</td>
              <td>{percent(info.recall[name]?.asked)}</td>
              <td>
                {percent(info.recall[name]?.measured)}{' '}
                <span class="quiet">of {short(info.recall[name]?.queries ?? 0)} queries</span>
              </td>
            </tr>
          ))}
          {sparse.map((name) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>sparse</td>
              <td>Dot</td>
              <td>exact</td>
              <td>exact</td>
            </tr>
          ))}
        </tbody>
      </Table>
    </Section>
  )
}
