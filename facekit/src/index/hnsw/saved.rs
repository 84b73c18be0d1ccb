//! Snapshots of a graph: the entries and their links. Codes are computed again.

use std::{collections::HashMap, sync::PoisonError};

use super::{HnswIndex, graph::Graph};
use crate::{
    error::Result,
    index::{
        EntryId,
        snapshot_file::{Content, Reader, SnapshotFile, SnapshotIndex},
    },
};

/// A level that no graph reaches.
const LEVELS: usize = 64;

impl SnapshotIndex for HnswIndex {
    fn save(&self, file: &SnapshotFile) -> Result<()> {
        // No change happens meanwhile, so all linked nodes are live.
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self.state();
        let graph = &state.graph;
        let numbers: HashMap<u32, u32> = graph.live().zip(0..).collect();
        let levels: HashMap<u32, usize> = graph.upper().collect();
        file.write(Content::Graph, self, |file| {
            file.number(self.options.links as u32)?;
            file.bytes(&writer.added.to_le_bytes())?;
            file.number(numbers.len() as u32)?;
            if let Some((node, level)) = graph.top {
                file.number(numbers[&node])?;
                file.number(level as u32)?;
            }
            for node in graph.live() {
                let values = graph.values(node, &self.shape);
                file.entry(graph.id(node).0, &values[..self.space.dimension()])?;
                let level = levels.get(&node).copied().unwrap_or(0);
                file.number(level as u32)?;
                for level in 0..=level {
                    let links = graph.links(node, level);
                    file.number(links.len() as u32)?;
                    links
                        .iter()
                        .try_for_each(|link| file.number(numbers[link]))?;
                }
            }
            Ok(())
        })
    }

    fn load(&self, file: &SnapshotFile) -> Result<()> {
        self.load_from(file.read(Content::Graph, self)?)
    }
}

impl HnswIndex {
    /// Replaces the entries and their links by those of a file, which was read up to them.
    pub(in super::super) fn load_from(&self, mut reader: Reader) -> Result<()> {
        if reader.number()? as usize != self.options.links {
            return Err(reader.misfit("a graph with another number of links"));
        }
        let added = u64::from_le_bytes(reader.array()?);
        // The least of an entry: its level, and the number of its links on the lowest one.
        let count = reader.count(self.space.dimension(), 8)?;
        let mut graph = Graph::new(self.options.links);
        // Arrays that grow would leave copies of embeddings in memory that is freed.
        drop(graph.replace_arrays(graph.larger_arrays(count as usize, &self.shape)));
        if count > 0 {
            let (node, level) = (reader.number()?, reader.number()? as usize);
            if node >= count || level >= LEVELS {
                return Err(reader.damaged("its search begins nowhere"));
            }
            graph.top = Some((node, level));
        }
        for node in 0..count {
            let (id, embedding) = reader.entry(&self.space)?;
            let level = reader.number()? as usize;
            if level >= LEVELS || graph.node(EntryId(id)).is_some() {
                return Err(reader.damaged(format!("entry {id} is damaged")));
            }
            let mut links = Vec::with_capacity(level + 1);
            for level in 0..=level {
                let length = reader.number()? as usize;
                if length > graph.most_links(level) {
                    return Err(reader.damaged(format!("entry {id} has {length} links")));
                }
                let list = (0..length).map(|_| match reader.number()? {
                    link if link < count => Ok(link),
                    link => Err(reader.damaged(format!("entry {id} has the link {link}"))),
                });
                links.push(list.collect::<Result<Vec<u32>>>()?);
            }
            self.place(&mut graph, node, EntryId(id), &embedding, links);
        }
        reader.end()?;
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.replace_graph(&mut writer, graph, added);
        Ok(())
    }
}
