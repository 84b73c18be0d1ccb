/// Assigns each row of a matrix of costs to a column of its own, so that the sum of the costs is the least possible. Returns the
/// column of each row. A matrix has at least as many columns as rows, and all costs are finite.
///
/// It is the Hungarian method (H. W. Kuhn, "The Hungarian method for the assignment problem", Naval Research Logistics Quarterly 2,
/// 1955) with shortest augmenting paths (R. Jonker and A. Volgenant, "A shortest augmenting path algorithm for dense and sparse
/// linear assignment problems", Computing 38, 1987): rows are added one by one, and each takes the path of least reduced cost to a
/// free column. It takes time in proportion to rows² × columns.
pub(super) fn least_cost(costs: &[Vec<f64>]) -> Vec<usize> {
    let rows = costs.len();
    let columns = costs.first().map_or(0, Vec::len);
    debug_assert!(rows <= columns || rows == 0);
    // The prices of rows and columns. No cost is less than the sum of its two prices, and a pair that is assigned costs as much.
    let mut row_price = vec![0.0; rows];
    let mut column_price = vec![0.0; columns];
    // The row of each column.
    let mut owner: Vec<Option<usize>> = vec![None; columns];
    for start in 0..rows {
        let mut shortest = vec![f64::INFINITY; columns];
        // The column before each column on the path; `None` if the path comes from the row `start`.
        let mut previous: Vec<Option<usize>> = vec![None; columns];
        let mut is_visited = vec![false; columns];
        let mut row = start;
        let mut from = None;
        let last = loop {
            let mut next = None;
            let mut step = f64::INFINITY;
            for column in (0..columns).filter(|&column| !is_visited[column]) {
                let reduced = costs[row][column] - row_price[row] - column_price[column];
                if reduced < shortest[column] {
                    shortest[column] = reduced;
                    previous[column] = from;
                }
                if shortest[column] < step {
                    step = shortest[column];
                    next = Some(column);
                }
            }
            let Some(next) = next else {
                unreachable!("there are as many columns as rows, and costs are finite")
            };
            row_price[start] += step;
            for column in 0..columns {
                if !is_visited[column] {
                    shortest[column] -= step;
                } else if let Some(owner) = owner[column] {
                    row_price[owner] += step;
                    column_price[column] -= step;
                }
            }
            is_visited[next] = true;
            match owner[next] {
                Some(owner) => row = owner,
                None => break next,
            }
            from = Some(next);
        };
        // Each column of the path takes the row of the one before.
        let mut column = last;
        while let Some(before) = previous[column] {
            owner[column] = owner[before];
            column = before;
        }
        owner[column] = Some(start);
    }
    let mut assigned = vec![0; rows];
    for (column, row) in owner.into_iter().enumerate() {
        if let Some(row) = row {
            assigned[row] = column;
        }
    }
    assigned
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum(costs: &[Vec<f64>], columns: &[usize]) -> f64 {
        let pairs = costs.iter().zip(columns);
        pairs.map(|(costs, &column)| costs[column]).sum()
    }

    /// The least sum, by trying all assignments.
    fn brute_force(costs: &[Vec<f64>], used: &mut Vec<usize>) -> f64 {
        let Some(row) = costs.get(used.len()) else {
            return sum(costs, used);
        };
        let mut least = f64::INFINITY;
        for column in 0..row.len() {
            if !used.contains(&column) {
                used.push(column);
                least = least.min(brute_force(costs, used));
                used.pop();
            }
        }
        least
    }

    fn matrix() -> impl Strategy<Value = Vec<Vec<f64>>> {
        // Small whole numbers make equal sums, large ones stand for pairs that are not possible.
        let cost = prop_oneof![
            4 => 0.0_f64..10.0,
            2 => (0_u8..3).prop_map(f64::from),
            1 => Just(1e6),
        ];
        (0_usize..=5, 0_usize..=2).prop_flat_map(move |(rows, more)| {
            prop::collection::vec(prop::collection::vec(cost.clone(), rows + more), rows)
        })
    }

    proptest! {
        #[test]
        fn no_other_assignment_costs_less(costs in matrix()) {
            let columns = least_cost(&costs);
            let mut distinct = columns.clone();
            distinct.sort_unstable();
            distinct.dedup();
            prop_assert_eq!(distinct.len(), costs.len());
            let least = brute_force(&costs, &mut Vec::new());
            prop_assert!((sum(&costs, &columns) - least).abs() < 1e-6);
        }
    }

    #[test]
    fn a_row_gives_way_if_the_sum_is_less() {
        let costs = [vec![1.0, 2.0, 9.0], vec![1.0, 9.0, 9.0]];
        assert_eq!(least_cost(&costs), [1, 0]);
        assert!(least_cost(&[]).is_empty());
    }
}
