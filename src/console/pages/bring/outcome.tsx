import { Section, Table, Tile } from '../../parts/basics'
import { linkTo } from '../../parts/place'
import { percent, whole } from '../../parts/words'
import type { Brought, Rejected } from '../../service/bring'

export type State = 'under way' | 'broken off' | 'done'
const TITLES = { 'under way': 'Under way', 'broken off': 'Broken off', done: 'Done' }

interface Parts {
  name: string
  file: string
  brought: Brought
  state: State
  /** Points of the collection, before and now; null while nobody has told. */
  points: { before: number; now: number } | null
}

/** Counts of the rows by outcome, and each unstored row with its reason. */
export function Outcome({ name, file, brought, state, points }: Parts) {
  const { accepted, rejected, quarantined, fixed, flagged, position, by_rule, errors, share } = brought
  const unlisted = rejected + (quarantined ?? 0) - errors.length
  return (
    <Section title={TITLES[state]} beside={<span class="quiet">{file}</span>}>
      <progress aria-label="Share of the file" value={share} />
      <div class="tiles" aria-live="polite">
        <Tile name="Of the file" value={percent(share)} />
        <Tile name="Rows read" value={whole(position)} />
        <Tile name="Stored" value={whole(accepted)} />
        <Tile name="Refused" value={whole(rejected)} />
        {quarantined !== undefined && <Tile name="In quarantine" value={whole(quarantined)} />}
        {fixed !== undefined && <Tile name="Mended" value={whole(fixed)} />}
        {flagged !== undefined && <Tile name="Flagged" value={whole(flagged)} />}
        {Object.entries(by_rule ?? {}).map(([rule, count]) => (
          <Tile key={rule} name={`Rule ${rule}`} value={whole(count)} />
        ))}
      </div>
      {points && (
        <p class="quiet">
          {name} has {whole(points.now)} points now, {whole(points.before)} before. A row whose id existed has replaced
          its point.
        </p>
      )}
      {errors.length > 0 && (
        <>
          <NotStored errors={errors} />
          <p class="quiet">
            Rows that a rule sets aside are kept in <a href={linkTo(['collections', name, 'quarantine'])}>quarantine</a>
            . Refused rows are not kept there.
          </p>
        </>
      )}
      {unlisted > 0 && <p class="quiet">and {whole(unlisted)} more rows that are not stored</p>}
    </Section>
  )
}

function NotStored({ errors }: { errors: readonly Rejected[] }) {
  return (
    <Table label="Rows that are not stored">
      <thead>
        <tr>
          <th>
            Row <span class="quiet small">counted from 1</span>
          </th>
          <th>Reason</th>
          <th>Column</th>
          <th>Id</th>
          <th>Begins with</th>
          <th>What became of it</th>
        </tr>
      </thead>
      <tbody>
        {errors.map(({ row, error, field, rule, action, found }) => (
          <tr key={row}>
            <th scope="row">{found?.line === undefined ? `row ${whole(row + 1)}` : `line ${whole(found.line)}`}</th>
            <td>{error}</td>
            <td>{field ?? '–'}</td>
            <td>{found?.id ?? '–'}</td>
            <td>{found?.text ? <code class="beginning">{found.text}</code> : '–'}</td>
            <td>{action === 'quarantine' ? `quarantine, by rule ${rule}` : 'refused'}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  )
}
