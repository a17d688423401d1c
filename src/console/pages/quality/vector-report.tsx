import { Fragment } from 'preact'
import { Meter, Section, Tile } from '../../parts/basics'
import { Histogram } from '../../parts/histogram'
import { linkTo } from '../../parts/place'
import { percent, short, whole } from '../../parts/words'
import { writeJson } from '../../service/exact-json'
import type { VectorQuality } from '../../service/quality'
import type { PointId } from '../../service/types'

/** The figures of one vector. */
export function VectorReport({ collection, vector }: { collection: string; vector: VectorQuality }) {
  const { name, sampled, norms, constant_dimensions, intrinsic_dimension, near_duplicates, hubs, notes } = vector
  return (
    <Section title={name || 'Unnamed vector'} beside={<span class="quiet">{whole(sampled)} points looked at</span>}>
      <div class="tiles">
        {intrinsic_dimension && (
          <Tile
            name="Intrinsic dimension"
            value={short(intrinsic_dimension.value)}
            beside={`± ${short(intrinsic_dimension.standard_error)}, of ${vector.size}`}
          />
        )}
        {constant_dimensions && <Tile name="Dimensions that never vary" value={whole(constant_dimensions.count)} />}
        {near_duplicates && (
          <Tile
            name="Near duplicates"
            value={percent(near_duplicates.rate)}
            beside={`score from ${short(near_duplicates.threshold)}`}
          />
        )}
        {hubs && (
          <Tile name="Hubs" value={`skew ${short(hubs.skew)}`} beside={`${percent(hubs.antihubs)} in no list`} />
        )}
        {norms && <Tile name="Zero vectors" value={whole(norms.zero)} />}
      </div>
      <div class="columns">
        {norms && <Norms name={name} norms={norms} />}
        {near_duplicates && near_duplicates.groups.length > 0 && (
          <Groups collection={collection} using={name} groups={near_duplicates.groups} />
        )}
        {hubs && hubs.hubs.length > 0 && <Hubs collection={collection} using={name} hubs={hubs.hubs} />}
      </div>
      {notes.map((note) => (
        <p key={note} class="quiet small">
          {note}
        </p>
      ))}
    </Section>
  )
}

function Norms({ name, norms }: { name: string; norms: NonNullable<VectorQuality['norms']> }) {
  if (norms.measured !== 'stored') {
    return (
      <div>
        <p>Norms</p>
        <p class="quiet">
          Cosine has scaled all vectors to the norm 1 before they were stored. Their own norms are not known; rules can
          check them as they come.
        </p>
      </div>
    )
  }
  return (
    <div>
      <p>
        Norms <span class="quiet">median {short(norms.median)}</span>
      </p>
      <Histogram
        label={`Norms of ${name || 'the vector'}, median ${short(norms.median)}`}
        counts={norms.histogram}
        measure="norm"
        ends={[short(norms.least), short(norms.greatest)]}
      />
    </div>
  )
}

interface OfPoints {
  collection: string
  using: string
}

/** The report names the first members of a group, and counts the others. */
function Groups({ collection, using, groups }: OfPoints & { groups: readonly { size: number; ids: PointId[] }[] }) {
  const most = Math.max(...groups.map(({ size }) => size))
  return (
    <div>
      <p>Largest groups of near duplicates</p>
      <ol>
        {groups.map(({ size, ids }) => (
          <li key={String(ids[0])}>
            <Meter share={size / most} label={`A group of ${whole(size)} points`} />
            {whole(size)} points: <Ids collection={collection} using={using} ids={ids} />
            {size > ids.length && (
              <span class="quiet">
                and {whole(size - ids.length)} more; the report names the first {ids.length}{' '}
              </span>
            )}
            <a href={linkTo(['collections', collection, 'points'], { ids: writeJson(ids) })}>as cards</a>
          </li>
        ))}
      </ol>
    </div>
  )
}

function Hubs({ collection, using, hubs }: OfPoints & { hubs: readonly { id: PointId; count: number }[] }) {
  const most = Math.max(...hubs.map(({ count }) => count))
  return (
    <div>
      <p>Points in most lists of neighbours</p>
      <ol>
        {hubs.map(({ id, count }) => (
          <li key={String(id)}>
            <Meter share={count / most} label={`Point ${id}: in ${whole(count)} lists`} />
            <Ids collection={collection} using={using} ids={[id]} /> in {whole(count)}
          </li>
        ))}
      </ol>
    </div>
  )
}

function Ids({ collection, using, ids }: OfPoints & { ids: readonly PointId[] }) {
  return ids.map((id) => (
    <Fragment key={String(id)}>
      <a href={linkTo(['collections', collection, 'query'], { id: writeJson(id), using })}>{String(id)}</a>{' '}
    </Fragment>
  ))
}
