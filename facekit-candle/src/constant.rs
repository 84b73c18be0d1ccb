//! Constants of an ONNX file as tensors.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use candle_core::{Device, Tensor, bail};
use facekit_onnx::proto::{DataType, TensorProto};

use crate::{error::Result, tensor::element_count};

/// The tensor that `proto` holds. `folder` is the model's folder, for elements that are stored in another file. 64-bit integers
/// stay in the computer's memory: they are shapes and indices.
pub(crate) fn constant(
    proto: &TensorProto,
    folder: Option<&Path>,
    device: &Device,
) -> Result<Tensor> {
    let dims = proto
        .dims
        .iter()
        .map(|&size| usize::try_from(size).map_err(candle_core::Error::wrap))
        .collect::<Result<Vec<_>>>()?;
    let count = element_count(&dims)?;
    if proto.segment.is_some() {
        bail!("it is stored in segments, which are not supported");
    }
    let raw = raw_bytes(proto, folder)?;
    let raw = raw.as_deref();
    match DataType::try_from(proto.data_type()) {
        Ok(DataType::Float) => {
            let values = match raw {
                Some(raw) => numbers(raw, f32::from_le_bytes)?,
                None => proto.float_data.clone(),
            };
            Tensor::from_vec(check_count(values, count)?, dims, device)
        }
        Ok(DataType::Int64) => {
            let values = match raw {
                Some(raw) => numbers(raw, i64::from_le_bytes)?,
                None => proto.int64_data.clone(),
            };
            Tensor::from_vec(check_count(values, count)?, dims, &Device::Cpu)
        }
        Ok(DataType::Uint8) => {
            let values = match raw {
                Some(raw) => raw.to_vec(),
                None => {
                    let values = proto.int32_data.iter().map(|&value| u8::try_from(value));
                    let values = values.collect::<std::result::Result<_, _>>();
                    values.map_err(candle_core::Error::wrap)?
                }
            };
            Tensor::from_vec(check_count(values, count)?, dims, device)
        }
        Ok(other) => bail!("elements of type {other:?}; f32, i64 and u8 are supported"),
        Err(_) => bail!("elements of unknown type {}", proto.data_type()),
    }
}

/// The bytes of the elements, if they are stored as bytes, in the model's file or in another.
fn raw_bytes(proto: &TensorProto, folder: Option<&Path>) -> Result<Option<Vec<u8>>> {
    const EXTERNAL: i32 = 1;
    if proto.data_location() != EXTERNAL {
        return Ok(proto.raw_data.clone());
    }
    let entry = |key| {
        let mut entries = proto.external_data.iter();
        entries
            .find(|entry| entry.key() == key)
            .map(|entry| entry.value())
    };
    let number = |key| {
        let value = entry(key).map(str::parse::<u64>).transpose();
        value.map_err(candle_core::Error::wrap)
    };
    let (Some(folder), Some(location)) = (folder, entry("location")) else {
        bail!("its elements are in another file, whose path is not known");
    };
    let mut file = File::open(folder.join(location))?;
    file.seek(SeekFrom::Start(number("offset")?.unwrap_or(0)))?;
    let mut bytes = Vec::new();
    file.take(number("length")?.unwrap_or(u64::MAX))
        .read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

fn numbers<T, const BYTES: usize>(raw: &[u8], number: fn([u8; BYTES]) -> T) -> Result<Vec<T>> {
    let (whole, rest) = raw.as_chunks::<BYTES>();
    if !rest.is_empty() {
        bail!("its {} bytes are not a whole number of elements", raw.len());
    }
    Ok(whole.iter().map(|&bytes| number(bytes)).collect())
}

fn check_count<T>(values: Vec<T>, count: usize) -> Result<Vec<T>> {
    if values.len() != count {
        bail!("it holds {} elements instead of {count}", values.len());
    }
    Ok(values)
}
