# Installs the build into a scratch prefix, builds a program against it, and runs that.
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output
                  ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${ARGN} failed:\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
# Lists with other separators: `run` would split them.
get_filename_component(torch_prefix ${TORCH_DIR} DIRECTORY)
string(REPLACE ";" " " architectures "${CUDA_ARCHITECTURES}")
run(${CMAKE_COMMAND} -E env CMAKE_PREFIX_PATH=${WORK}/prefix:${torch_prefix}
    ${CMAKE_COMMAND} -G Ninja -S ${CONSUMER} -B ${WORK}/build -DCMAKE_BUILD_TYPE=Release
    -DTORCH_CUDA_ARCH_LIST=${architectures} -DCMAKE_CUDA_COMPILER=${CUDA_COMPILER})
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/consumer)
if(NOT output STREQUAL "4\n")
  message(FATAL_ERROR "10 samples padded for 3 replicas are 4 each, not: ${output}")
endif()
run(${CMAKE_COMMAND} -E env CMAKE_PREFIX_PATH=${WORK}/prefix:${torch_prefix}
    ${CMAKE_COMMAND} -G Ninja -S ${EXAMPLES} -B ${WORK}/examples -DCMAKE_BUILD_TYPE=Release
    -DTORCH_CUDA_ARCH_LIST=${architectures} -DCMAKE_CUDA_COMPILER=${CUDA_COMPILER})
run(${CMAKE_COMMAND} --build ${WORK}/examples)
run(${WORK}/examples/own_loop)
if(NOT output MATCHES "epoch 20: mean loss 0\\.")
  message(FATAL_ERROR "the example did not train: ${output}")
endif()
run(${WORK}/examples/train_your_own --epochs 2 --output-dir ${WORK}/run)
if(NOT output MATCHES "Epoch 2\n" OR NOT EXISTS ${WORK}/run/model.safetensors)
  message(FATAL_ERROR "the example did not train: ${output}")
endif()
run(${WORK}/prefix/bin/lockstep --version)
