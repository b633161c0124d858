//! A minimum cut through vertices.
//!
//! In: a graph whose vertices have costs, those where paths begin and those
//! where they end. Out: the vertices of least cost without which no path is
//! left. Always: of several such cuts the one nearest to where paths begin.
//! Next: [`super::saved`].

use std::collections::{BTreeMap, VecDeque};

/// The cost of a vertex that no cut may have.
pub const NEVER: u64 = u64::MAX;

/// What flows, and what may: vertex `v` is the edge from `2v` to `2v + 1`.
struct Flow {
    /// For each edge that has room left, how much.
    room: Vec<BTreeMap<usize, u64>>,
    from: Vec<usize>,
    to: Vec<bool>,
}

/// The least cut between `from` and `to`; edges are pairs of vertices. Nothing
/// where a path has no vertex that may be cut.
pub fn min_cut(costs: &[u64], edges: &[(usize, usize)], from: &[usize], to: &[usize]) -> Vec<usize> {
    let mut room = vec![BTreeMap::new(); 2 * costs.len()];
    for (v, &cost) in costs.iter().enumerate() {
        room[2 * v].insert(2 * v + 1, cost);
    }
    for &(a, b) in edges {
        room[2 * a + 1].insert(2 * b, NEVER);
    }
    let mut ends = vec![false; 2 * costs.len()];
    to.iter().for_each(|&v| ends[2 * v + 1] = true);
    let mut flow = Flow { room, from: from.iter().map(|&v| 2 * v).collect(), to: ends };
    loop {
        let (before, end) = flow.search();
        let Some(end) = end else {
            let reached = |place: usize| before[place].is_some();
            return (0..costs.len()).filter(|v| reached(2 * v) && !reached(2 * v + 1)).collect();
        };
        if flow.push(&before, end) == NEVER {
            return Vec::new();
        }
    }
}

impl Flow {
    /// The shortest way with room on it: for each place reached the one before
    /// it, where a way begins the place itself; and the end.
    fn search(&self) -> (Vec<Option<usize>>, Option<usize>) {
        let mut before: Vec<Option<usize>> = vec![None; self.room.len()];
        let mut queue: VecDeque<usize> = self.from.iter().copied().collect();
        self.from.iter().for_each(|&place| before[place] = Some(place));
        while let Some(place) = queue.pop_front() {
            if self.to[place] {
                return (before, Some(place));
            }
            for (&next, _) in self.room[place].iter().filter(|(_, room)| **room > 0) {
                if before[next].is_none() {
                    before[next] = Some(place);
                    queue.push_back(next);
                }
            }
        }
        (before, None)
    }

    /// Fills the way to `end`, which has room for so much.
    fn push(&mut self, before: &[Option<usize>], end: usize) -> u64 {
        let mut way = Vec::new();
        let mut at = end;
        while let Some(last) = before[at].filter(|&last| last != at) {
            way.push((last, at));
            at = last;
        }
        let least = way.iter().map(|(a, b)| self.room[*a][b]).min().unwrap_or(0);
        for (a, b) in way {
            let ahead = self.room[a].entry(b).or_default();
            *ahead = if *ahead == NEVER { NEVER } else { *ahead - least };
            let back = self.room[b].entry(a).or_default();
            *back = back.saturating_add(least);
        }
        least
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_that_may_not_be_cut_has_no_cut() {
        let found = min_cut(&[NEVER, NEVER, 3], &[(0, 1), (2, 1)], &[0, 2], &[1]);
        assert!(found.is_empty(), "{found:?}");
    }

    struct Case {
        costs: Vec<u64>,
        edges: Vec<(usize, usize)>,
        from: Vec<usize>,
        to: Vec<usize>,
    }

    impl Case {
        /// Whether a path is left without these vertices.
        fn open(&self, cut: &[usize]) -> bool {
            let mut seen: Vec<bool> =
                (0..self.costs.len()).map(|v| self.from.contains(&v) && !cut.contains(&v)).collect();
            for _ in &self.costs {
                for &(a, b) in &self.edges {
                    seen[b] |= seen[a] && !cut.contains(&b);
                }
            }
            self.to.iter().any(|&v| seen[v])
        }

        fn cost(&self, cut: &[usize]) -> u64 {
            cut.iter().fold(0, |sum, &v| sum.saturating_add(self.costs[v]))
        }

        fn subsets(&self) -> impl Iterator<Item = Vec<usize>> {
            let n = self.costs.len();
            (0u32..1 << n).map(move |bits| (0..n).filter(|v| bits >> v & 1 == 1).collect())
        }
    }

    fn next(state: &mut u64, below: u64) -> u64 {
        *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (*state >> 33) % below
    }

    fn random(seed: u64) -> Case {
        let mut state = seed;
        let n = 3 + next(&mut state, 6) as usize;
        let (sources, sinks) = (1 + next(&mut state, 2) as usize, 1 + next(&mut state, 2) as usize);
        let mut edges = Vec::new();
        for b in 1..n {
            for a in 0..b {
                if next(&mut state, 5) < 2 {
                    edges.push((a, b));
                }
            }
        }
        let of = |v: usize, cost: u64| if v >= sources && cost > 6 { NEVER } else { cost };
        let costs = (0..n).map(|v| of(v, next(&mut state, 9))).collect();
        Case { costs, edges, from: (0..sources).collect(), to: (n - sinks..n).collect() }
    }

    #[test]
    fn no_set_of_vertices_is_a_cheaper_cut() {
        let mut cut_inside = 0;
        for seed in 0..400 {
            let case = random(seed);
            let cut = min_cut(&case.costs, &case.edges, &case.from, &case.to);
            let text = format!("seed {seed}: {:?} {:?} -> {cut:?}", case.costs, case.edges);
            assert!(!case.open(&cut), "{text}");
            let least = case.subsets().filter(|set| !case.open(set)).map(|set| case.cost(&set)).min();
            assert_eq!(Some(case.cost(&cut)), least, "{text}");
            cut_inside += usize::from(cut.iter().any(|v| !case.from.contains(v)));
        }
        assert!(cut_inside > 40, "{cut_inside} of 400 cuts are not where paths begin");
    }

    #[test]
    fn equal_cuts_are_made_where_paths_begin() {
        assert_eq!(min_cut(&[2, 2, NEVER], &[(0, 1), (1, 2)], &[0], &[2]), [0]);
        assert_eq!(min_cut(&[1, 1, 2, NEVER], &[(0, 2), (1, 2), (2, 3)], &[0, 1], &[3]), [0, 1]);
    }

    #[test]
    fn three_operands_cost_more_than_what_is_made_of_them() {
        assert_eq!(min_cut(&[4, 4, 4, 8, NEVER], &[(0, 3), (1, 3), (2, 3), (3, 4)], &[0, 1, 2], &[4]), [3]);
        // One of them is read anyway.
        let edges = [(0, 3), (1, 3), (2, 3), (3, 4), (0, 4)];
        assert_eq!(min_cut(&[4, 4, 4, 8, NEVER], &edges, &[0, 1, 2], &[4]), [0, 1, 2]);
    }

    #[test]
    fn what_nothing_leads_to_has_no_cut() {
        assert_eq!(min_cut(&[3, NEVER], &[], &[0], &[1]), [0; 0]);
    }
}
